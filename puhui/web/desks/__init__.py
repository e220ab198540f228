"""The console of staff, desk by desk; each page is a function from a request to its answer."""
