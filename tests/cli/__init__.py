"""Tests of the command line: words in, words and exit codes out."""
