"""The tables that state 0003 brought: complaints and drafts, as they were made then."""
