"""Words and figures of the shop's shelves: categories with their nouns, adjectives, brands, and who likes what."""

from typing import NamedTuple


class Category(NamedTuple):
    """A shelf: id, nouns of its items, median price in minor units, elasticity of demand to price, seasonal peak.

    ``peak_day`` is a day of the year; around it demand is up to ``1 + peak_height`` times the usual. None when it has no season.
    """

    category_id: str
    nouns: tuple[str, ...]
    median_price_minor: int
    elasticity: float
    peak_day: int | None = None
    peak_height: float = 0.0


def _nouns(listed: str) -> tuple[str, ...]:
    return tuple(listed.split(", "))


CATEGORIES = (
    Category(
        "kitchenware", _nouns("Saucepan, Chef's Knife, Mixing Bowl, Frying Pan, Cutting Board, Baking Tray, Whisk, Stock Pot"), 3200, -1.4
    ),
    Category(
        "coffee-and-tea", _nouns("Espresso Beans, Green Tea, French Press, Teapot, Coffee Grinder, Mug, Milk Frother"), 1800, -0.8, 15, 1.2
    ),
    Category("garden", _nouns("Planter, Trowel, Garden Hose, Pruner, Seed Kit, Watering Can, Rake, Trellis"), 2600, -1.2, 140, 1.6),
    Category(
        "outdoor", _nouns("Tent, Sleeping Bag, Camping Stove, Backpack, Lantern, Hammock, Cool Box, Picnic Rug"), 5200, -1.6, 200, 1.6
    ),
    Category("electronics", _nouns("Headphones, Power Bank, Webcam, Speaker, Desk Lamp, Charger, Keyboard, Mouse"), 5900, -2.2),
    Category(
        "gaming",
        _nouns("Controller, Gaming Headset, Card Game, Board Game, Racing Wheel, Puzzle Game, Console Stand"),
        4400,
        -1.9,
        350,
        1.4,
    ),
    Category("clothing", _nouns("Linen Shirt, Cardigan, Rain Jacket, T-Shirt, Summer Dress, Jeans, Pullover, Scarf"), 3900, -1.8),
    Category("shoes", _nouns("Sneakers, Sandals, Ankle Boots, Loafers, Running Shoes, Slippers, Hiking Boots"), 6900, -1.7),
    Category("beauty", _nouns("Face Cream, Body Lotion, Shampoo, Lip Balm, Hand Soap, Sun Lotion, Bath Salts, Serum"), 1500, -1.0),
    Category("jewellery", _nouns("Earrings, Necklace, Bracelet, Ring, Brooch, Watch, Pendant"), 7400, -2.0),
    Category(
        "toys", _nouns("Building Blocks, Plush Bear, Train Set, Kite, Doll's House, Jigsaw, Play Tent, Spinning Top"), 2400, -1.5, 345, 1.8
    ),
    Category("baby", _nouns("Swaddle, Baby Bottle, Play Mat, Romper, Night Light, Bib, Teether, Blanket"), 2100, -0.7),
    Category("books", _nouns("Novel, Cookbook, Atlas, Poetry Book, Travel Guide, Biography, Picture Book"), 1600, -1.1),
    Category("home-decor", _nouns("Cushion, Vase, Candle, Picture Frame, Throw, Table Lamp, Wall Clock, Mirror"), 2900, -1.3),
)

SEASON_WIDTH_DAYS = 22
"""Standard deviation of a seasonal peak."""

CLUSTERS = {
    "home_cooks": ("kitchenware", "coffee-and-tea"),
    "open_air": ("garden", "outdoor"),
    "gadget_fans": ("electronics", "gaming"),
    "dressers": ("clothing", "shoes"),
    "pamperers": ("beauty", "jewellery"),
    "young_families": ("toys", "baby"),
}
"""Taste clusters: the category that each likes best, and the one it likes next."""

FIRST_CATEGORY_SHARE, SECOND_CATEGORY_SHARE = 0.48, 0.30
"""Out of season, so much of a cluster's looking around falls on its two categories; the rest on all categories alike."""

ADJECTIVES = (
    "Amber", "Bamboo", "Bright", "Classic", "Cobalt", "Copper", "Cosy", "Crimson", "Dusky", "Everyday", "Evergreen",
    "Feather", "Foldable", "Golden", "Hand-made", "Heritage", "Indigo", "Ivory", "Jade", "Little", "Lunar", "Maple",
    "Merino", "Modern", "Nordic", "Olive", "Pebble", "Pocket", "Quiet", "Rustic", "Saffron", "Silver", "Slate", "Sturdy",
    "Sunny", "Velvet", "Vintage", "Walnut", "Weekend", "Willow",
)  # fmt: skip

BRANDS = ("Alder & Finch", "Brightwater", "Calder", "Dovetail", "Eastmoor", "Fjordlight", "Greywick", "Halcyon", "Juniper Lane", "Kestrel",
          "Larkfield", "Mirabel", "Northlace", "Oakhurst", "Pellworm", "Quillon")  # fmt: skip
LIKED_BRANDS = 3
"""Brands that a user likes, whatever the taste cluster."""

CHANNELS = (("organic_search", 0.34), ("direct", 0.24), ("paid_search", 0.16), ("social", 0.12), ("email", 0.09), ("affiliate", 0.05))
"""Marketing channels and the share of visits that each brings."""

CAMPAIGNS = {"paid_search": "brand-search", "social": "summer-stories", "email": "weekly-letter"}
"""The campaign behind a channel's visits; other channels have none."""

WEEKDAY_RHYTHM = (0.92, 0.86, 0.88, 0.94, 1.04, 1.22, 1.14)
"""Visits by weekday, Monday first, relative to the mean."""
