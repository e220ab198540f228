"""Heavy work of scoring: training, serving, and model files."""
