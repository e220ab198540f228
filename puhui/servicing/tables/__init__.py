"""Tables and statements of servicing."""
