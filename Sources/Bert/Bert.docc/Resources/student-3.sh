bertkit inspect fixtures/teacher
bertkit distill --teacher fixtures/teacher --init teacher-layers --layers 2 --epochs 3 \
    --train fixtures/text/train.tsv --dev fixtures/text/dev.tsv --output student
bertkit evaluate --teacher fixtures/teacher --student student --data fixtures/text/dev.tsv \
    --report report.html
