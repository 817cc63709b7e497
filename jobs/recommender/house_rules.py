"""What a shop wants of its slates whatever a model thinks: declared once, and true of what is judged as of what is served."""

from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Boost(_Declared):
    """A campaign: items that count ``factor`` times as much on the days ``start`` <= day < ``end``."""

    item_id: str | None = Field(default=None, description="The item; or")
    category_id: str | None = Field(default=None, description="the category whose items are meant.")
    factor: float = Field(gt=0, le=10, description="What relevance, from 0 to 1 within a user's scores, is multiplied by.")
    start: date = Field(description="First UTC day.")
    end: date = Field(description="First UTC day on which it is over.")

    @model_validator(mode="after")
    def _says_what_and_when(self) -> Self:
        if (self.item_id is None) == (self.category_id is None):
            message = "a boost names an item_id or a category_id, one of both"
            raise ValueError(message)
        if self.start >= self.end:
            message = f"a boost ends after it starts; found start {self.start}, end {self.end}"
            raise ValueError(message)
        return self


class HouseRules(_Declared):
    """The rules. Without any, a slate holds what the models think best of all that is on sale, in stock and was not bought."""

    hide_out_of_stock: bool = Field(
        default=True,
        description="Whether an item is left out of which the last counts up to the day leave nothing; one that was never counted is "
        "there. True unless a shop takes orders for what it does not have; without the feed `stock` it changes nothing.",
    )
    personalisation_needs_consent: bool = Field(
        default=False,
        description="Whether personal places need the user's consent to `personalisation`, so that who was never asked gets what is "
        "popular, too. A refusal or a withdrawal is heeded either way.",
    )

    blocked_categories: tuple[str, ...] = Field(default=(), description="Categories that are never recommended.")
    repeatable_categories: tuple[str, ...] = Field(
        default=(), description="Categories that people buy again: having bought an item of them is no reason not to show it."
    )
    most_a_category: int | None = Field(
        default=None, ge=1, description="Places of a slate that one category may have; a slate may then be short."
    )
    relevance_share: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Lambda of maximal marginal relevance (Carbonell & Goldstein 1998); what is left of 1 is taken off where an item's "
        "category has a place already.",
    )
    exploration_places: int = Field(
        default=0, ge=0, le=10, description="The last places of a slate, which new items get by lot; they have no part in a test."
    )
    content_places: int = Field(
        default=0,
        ge=0,
        le=10,
        description="The places before those, which new items get that read like what the user has: name, category, brand. Nor have they a "
        "part in a test.",
    )
    new_item_days: int = Field(
        default=14,
        ge=1,
        description="Days from the first one on which the catalogue had an item that it is new; none is on the first of all.",
    )
    boosts: tuple[Boost, ...] = Field(default=(), description="Campaigns.")


NO_RULES = HouseRules()
