"""The generators of the county: everything drawn from a seed, nothing read from outside."""
