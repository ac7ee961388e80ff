swift build -c release
.build/release/serve ../../student 8080 &
curl -d '{"texts": ["a film worth seeing"]}' -H 'Content-Type: application/json' \
    http://127.0.0.1:8080/classify
