"""The desks of score: models in force, and audits of them; importing registers the use cases."""

from puhui.score.desk import audit as _audit  # noqa: F401  registers its use case and day step
from puhui.score.desk.register import MODELS_FOLDER, champion, list_models, register_model

__all__ = ["MODELS_FOLDER", "champion", "list_models", "register_model"]
