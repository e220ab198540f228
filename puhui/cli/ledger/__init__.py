"""Commands of the books (账本): checks, statements, exports, and the second copy."""
