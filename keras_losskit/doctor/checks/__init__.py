"""One file a check; each has `check(exam)`, which notes what it finds."""
