bertkit inspect fixtures/teacher
bertkit distill --teacher fixtures/teacher --init teacher-layers --layers 2 --epochs 3 \
    --train fixtures/text/train.tsv --dev fixtures/text/dev.tsv --output student
