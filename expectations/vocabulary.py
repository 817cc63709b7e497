"""The closed sets of words that a build filters by and its audit checks: one list for both."""

EVENT_TYPES = (
    "view_item_list",
    "select_item",
    "search",
    "view_item",
    "add_to_wishlist",
    "add_to_cart",
    "remove_from_cart",
    "begin_checkout",
    "purchase",
    "refund",
)
"""GA4's recommended e-commerce event names that the platform understands."""

EVENT_TYPES_WITHOUT_ITEM = ("view_item_list", "search", "begin_checkout")
"""Event types that may name no item."""

TIME_RESOLUTIONS = ("second", "day")
"""How exactly a source knows when an event happened."""

ORDER_LINE_KINDS = ("sale", "refund")
"""What an order line does with its pieces."""

PERSONALISATION = "personalisation"
"""The purpose without which nothing that a user sees may rest on what that user did."""

PURPOSES = (PERSONALISATION, "analytics", "email", "sms", "push", "ads")
"""What a user may be asked to agree to."""

SCHEMES = ("rfm", "behaviour", "taste", "density")
"""The schemes of segments: every user is in one segment of each."""

TAG_SCOPES = ("global", "individual")
"""How a user comes to a tag: by a rule that everybody is asked, or by hand."""
