"""The engine `log`: frames that are durable first, and the state they make."""
