"""score (评分): what signals say about the chance of default, in points, with reasons."""

from puhui.score.desk import champion, list_models
from puhui.score.engines import study
from puhui.score.engines.files import load_model, save_model
from puhui.score.engines.scorer import score_row, score_table
from puhui.score.engines.trainer import train
from puhui.score.nouns import Model, Table

__all__ = [
    "Table",
    "Model",
    "study",
    "train",
    "save_model",
    "load_model",
    "champion",
    "list_models",
    "score_row",
    "score_table",
]
