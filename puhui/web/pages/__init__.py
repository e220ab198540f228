"""The pages, split by what people come for; each is a function from a request to its answer."""
