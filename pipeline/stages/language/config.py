"""The configuration of the language stage."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class LanguageConfig(BaseModel):
    """How languages are tagged. The defaults follow The Stack v2 where it states its rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=True, description="Tag files at all; false leaves every language null")
    use_classifier: bool = Field(
        default=True,
        description="Ask the classifier about the content where linguist's rules leave no or several languages",
    )
    confidence_threshold: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        description="Confidence (0 to 1) below which an answer from the content alone becomes null",
    )
