"""The window of score (窗口): files of millions of rows and cards for other systems."""

from puhui.score.engines.batch import Batch, score_parquet
from puhui.score.engines.spark import score_spark
from puhui.score.formats.card_json import card_json
from puhui.score.formats.card_sql import card_sql

__all__ = ["Batch", "card_json", "card_sql", "score_parquet", "score_spark"]
