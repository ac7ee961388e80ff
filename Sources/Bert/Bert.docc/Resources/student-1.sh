bertkit inspect fixtures/teacher
