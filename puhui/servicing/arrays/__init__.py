"""Arrays of servicing: what rules decide of one loan, compiled for many."""
