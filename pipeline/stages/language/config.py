"""The configuration of the language stage."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class LanguageConfig(BaseModel):
    """How languages are tagged. The defaults follow The Stack v2 where it states its rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=True, description="Tag files at all; false leaves every language null")
    use_guesslang: bool = Field(
        default=True, description="Ask guesslang's model about the content where enry has no answer"
    )
    guesslang_threshold: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        description="Probability (0 to 1) below which the model's answer becomes null",
    )
