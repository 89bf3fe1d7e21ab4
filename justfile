# For those who use just; the Makefile is the original.
check:
    make check

test:
    make test
