"""The end of a day: chunks of loans aged, debited, classified and provided for."""
