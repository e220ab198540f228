"""What servicing asks of the machine: the zone of the house's hours."""
