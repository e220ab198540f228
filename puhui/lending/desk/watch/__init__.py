"""Looking at lending as a whole: drift, fairness, cut-offs, strategies, what a file earned."""
