"""The goods that a ``Y`` in each column of the directory adds to a farm's catalogue. Prices, in minor units, and stocks are ours:
the directory has none."""

from __future__ import annotations

import zlib

import attrs


@attrs.frozen
class Good:
    """One column. A farm offers one of ``titles``; ``price`` is for one ``unit``, before each farm's own variation."""

    column: str
    category: str
    titles: tuple[str, ...]
    unit: str
    price: int
    stock: int
    tags: tuple[str, ...] = ()
    description: str = ""


#: Slug and name of each category.
CATEGORIES = {
    "vegetables": "Vegetables",
    "fruit": "Fruit",
    "dairy-eggs": "Dairy and eggs",
    "meat-poultry": "Meat and poultry",
    "seafood": "Seafood",
    "bakery": "Bakery",
    "pantry": "Pantry",
    "drinks": "Drinks",
    "prepared": "Prepared food",
    "flowers-plants": "Flowers and plants",
    "crafts-care": "Crafts and care",
    "pets": "Pets",
}

GOODS = (
    Good("Bakedgoods", "bakery", ("Sourdough bread", "Rye bread", "Oat rolls", "Apple pie"), "each", 550, 40, ("baked",), "Baked the night before the market."),
    Good("Cheese", "dairy-eggs", ("Farmhouse cheddar", "Fresh goat cheese", "Aged gouda", "Curd cheese"), "kg", 2400, 15, ("dairy",), "Made on the farm and cut at the counter."),
    Good("Crafts", "crafts-care", ("Woven basket", "Wooden spoon", "Wool scarf", "Beeswax candle"), "each", 1800, 12, ("handmade",), "Made by hand, no two alike."),
    Good("Flowers", "flowers-plants", ("Cut flowers", "Sunflowers", "Dried lavender", "Tulips"), "bunch", 750, 30, ("flowers",), "Cut in the morning."),
    Good("Eggs", "dairy-eggs", ("Free-range eggs", "Duck eggs", "Pasture eggs"), "box", 520, 60, ("eggs",), "A box of ten."),
    Good("Seafood", "seafood", ("Smoked trout", "Rainbow trout", "Oysters", "Wild salmon"), "kg", 2900, 10, ("fish",), "On ice from the boat or the pond."),
    Good("Herbs", "vegetables", ("Basil", "Parsley", "Rosemary", "Mint"), "bunch", 250, 50, ("herbs",), "Cut to order."),
    Good("Vegetables", "vegetables", ("Carrots", "Tomatoes", "Potatoes", "Onions", "Lettuce", "Pumpkin", "Cabbage"), "kg", 320, 120, ("vegetables",), "From the field, unwashed, so that they keep."),
    Good("Honey", "pantry", ("Wildflower honey", "Clover honey", "Buckwheat honey"), "each", 900, 40, ("honey",), "A jar of 500 g, never heated."),
    Good("Jams", "pantry", ("Strawberry jam", "Plum jam", "Apricot jam", "Quince jelly"), "each", 620, 40, ("preserves",), "A jar of 340 g, from our own fruit."),
    Good("Maple", "pantry", ("Maple syrup", "Maple sugar"), "each", 1450, 25, ("maple",), "From one season's sap."),
    Good("Meat", "meat-poultry", ("Beef for stew", "Pork sausages", "Lamb chops", "Ground beef"), "kg", 1850, 20, ("meat",), "From animals that were raised on pasture."),
    Good("Nursery", "flowers-plants", ("Berry bush", "Hedge plant", "Rose bush"), "each", 1600, 20, ("nursery",), "With its roots in earth, ready to plant."),
    Good("Nuts", "pantry", ("Walnuts", "Hazelnuts", "Pecans", "Chestnuts"), "kg", 1500, 25, ("nuts",), "In the shell."),
    Good("Plants", "flowers-plants", ("Tomato seedling", "Herb pot", "Strawberry plant", "Pepper seedling"), "each", 350, 60, ("plants",), "Hardened off, ready to plant."),
    Good("Poultry", "meat-poultry", ("Whole chicken", "Turkey breast", "Chicken legs"), "kg", 1200, 25, ("poultry",), "Free range, slaughtered this week."),
    Good("Prepared", "prepared", ("Vegetable soup", "Lasagne", "Tamales", "Quiche"), "each", 850, 25, ("ready to eat",), "One portion, to warm up at home."),
    Good("Soap", "crafts-care", ("Lavender soap", "Goat milk soap", "Oatmeal soap"), "each", 600, 35, ("soap",), "A bar of 100 g."),
    Good("Trees", "flowers-plants", ("Apple tree", "Christmas tree", "Pear tree"), "each", 3200, 12, ("trees",), "Two years old, with its roots in earth."),
    Good("Wine", "drinks", ("Red wine", "White wine", "Apple cider", "Rosé wine"), "each", 1350, 36, ("wine",), "A bottle of 0.75 l."),
    Good("Coffee", "drinks", ("Coffee beans", "Ground coffee"), "kg", 2600, 15, ("coffee",), "Roasted this week."),
    Good("Beans", "pantry", ("Black beans", "Kidney beans", "White beans"), "kg", 480, 50, ("beans",), "Dried."),
    Good("Fruits", "fruit", ("Apples", "Strawberries", "Peaches", "Pears", "Blueberries", "Plums", "Cherries"), "kg", 460, 80, ("fruit",), "Picked ripe."),
    Good("Grains", "pantry", ("Wheat flour", "Rolled oats", "Rye flour", "Cornmeal"), "kg", 290, 80, ("grain",), "Milled on the farm."),
    Good("Juices", "drinks", ("Apple juice", "Pear juice", "Grape juice"), "litre", 420, 50, ("juice",), "Pressed from our own fruit, not from concentrate."),
    Good("Mushrooms", "vegetables", ("Oyster mushrooms", "Shiitake", "Champignons"), "kg", 1400, 12, ("mushrooms",), "Grown on straw and wood."),
    Good("PetFood", "pets", ("Dog biscuits", "Dried dog chews"), "each", 700, 25, ("pets",), "A bag of 400 g."),
    Good("Tofu", "prepared", ("Tofu", "Smoked tofu"), "each", 380, 30, ("vegan",), "A block of 300 g."),
    Good("WildHarvested", "fruit", ("Wild garlic", "Ramps", "Elderberries", "Wild blackberries"), "bunch", 480, 15, ("wild",), "Gathered in the woods around."),
)  # fmt: skip


def title(good: Good, source: str) -> str:
    """The title that a farm offers; the same at every import."""
    return good.titles[_draw(good, source) % len(good.titles)]


def price(good: Good, source: str) -> int:
    """The farm's own price: up to a fifth above or below, in steps of 5; the same at every import."""
    percent = 80 + _draw(good, source) // 7 % 41
    return max(5, good.price * percent // 500 * 5)


def _draw(good: Good, source: str) -> int:
    return zlib.crc32(f"{source}:{good.column}".encode())
