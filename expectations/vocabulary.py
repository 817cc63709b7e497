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

ADS = "ads"
"""The purpose, and the channel, of being found again by a platform that shows ads."""

PURPOSES = (PERSONALISATION, "analytics", "email", "sms", "push", ADS)
"""What a user may be asked to agree to."""

CONTACT_KINDS = ("email", "phone", "push")
"""What a contact point may be: an address, a number, the token of an app on a device."""

CHANNELS = {"email": ("email",), "sms": ("phone",), "push": ("push",), ADS: ("email", "phone")}
"""Channel on which users are addressed -> the kinds of contact point that it takes. The purpose to agree to is called as it."""

SCHEMES = ("rfm", "behaviour", "taste", "density", "lifecycle", "affinity")
"""The schemes of segments: every user is in one segment of each."""

RULES = ("rfm", "lifecycle", "affinity")
"""The schemes that no model is behind: a rule, the same every day."""

TAG_SCOPES = ("global", "individual")
"""How a user comes to a tag: by a rule that everybody is asked, or by hand."""

PRICE_BANDS = ("budget", "middle", "premium")
"""How dear what a user buys is within its categories, cheapest first."""
