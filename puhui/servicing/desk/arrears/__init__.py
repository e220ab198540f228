"""What is done about arrears: collection, tasks at their end, relief and loss."""
