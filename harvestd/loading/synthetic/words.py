"""The tables that a synthetic catalogue is drawn from. Names are plain words separated by single blanks, texts are ASCII:
``searching.py`` relies on it."""

from __future__ import annotations

import attrs


@attrs.frozen
class Good:
    """``price`` is for one ``unit`` in minor units, before each product's own variation; ``season`` is None for all year."""

    name: str
    category: str
    unit: str
    price: int
    varieties: tuple[str, ...]
    season: tuple[str, str] | None = None
    tags: tuple[str, ...] = ()


#: Slug, name and parent's slug, parents first. The top-level ones are the directory's.
CATEGORIES: tuple[tuple[str, str, str | None], ...] = (
    ("vegetables", "Vegetables", None), ("fruit", "Fruit", None), ("dairy-eggs", "Dairy and eggs", None),
    ("meat-poultry", "Meat and poultry", None), ("bakery", "Bakery", None), ("pantry", "Pantry", None),
    ("drinks", "Drinks", None), ("flowers-plants", "Flowers and plants", None),
    ("root-vegetables", "Root vegetables", "vegetables"), ("leafy-greens", "Leafy greens", "vegetables"),
    ("tomatoes-peppers", "Tomatoes and peppers", "vegetables"), ("squash", "Squash and gourds", "vegetables"),
    ("herbs", "Herbs", "vegetables"), ("alliums", "Onions and garlic", "vegetables"),
    ("orchard-fruit", "Orchard fruit", "fruit"), ("berries", "Berries", "fruit"), ("stone-fruit", "Stone fruit", "fruit"),
    ("cheese", "Cheese", "dairy-eggs"), ("milk", "Milk and butter", "dairy-eggs"), ("eggs", "Eggs", "dairy-eggs"),
    ("beef-lamb", "Beef and lamb", "meat-poultry"), ("pork", "Pork", "meat-poultry"), ("poultry", "Poultry", "meat-poultry"),
    ("bread", "Bread", "bakery"), ("cakes", "Cakes and pastries", "bakery"), ("honey", "Honey", "pantry"),
    ("preserves", "Preserves", "pantry"), ("grains", "Grains and flour", "pantry"), ("juice", "Juice", "drinks"),
    ("cider-wine", "Cider and wine", "drinks"), ("cut-flowers", "Cut flowers", "flowers-plants"),
    ("seedlings", "Seedlings", "flowers-plants"),
)  # fmt: skip

_SUMMER, _AUTUMN, _SPRING, _WINTER = ("06-01", "09-30"), ("08-15", "11-30"), ("03-15", "06-30"), ("10-15", "03-31")

GOODS: tuple[Good, ...] = (
    Good("carrots", "root-vegetables", "bunch", 280, ("Nantes", "Chantenay", "Purple Haze", "Rainbow", "Paris Market"), None, ("vegetables",)),
    Good("potatoes", "root-vegetables", "kg", 240, ("Charlotte", "Yukon Gold", "Desiree", "Linda", "Russet", "Fingerling"), None, ("vegetables",)),
    Good("beetroot", "root-vegetables", "kg", 290, ("Chioggia", "Golden", "Detroit", "Cylindra"), _AUTUMN, ("vegetables",)),
    Good("radishes", "root-vegetables", "bunch", 190, ("Breakfast", "Watermelon", "Cherry Belle", "Daikon"), _SPRING, ("vegetables",)),
    Good("parsnips", "root-vegetables", "kg", 320, ("Gladiator", "Guernsey"), _WINTER, ("vegetables",)),
    Good("lettuce", "leafy-greens", "each", 180, ("Batavia", "Romaine", "Oakleaf", "Butterhead", "Lollo"), _SPRING, ("salad",)),
    Good("spinach", "leafy-greens", "kg", 690, ("Bloomsdale", "Matador", "Winter Giant"), _SPRING, ("salad",)),
    Good("kale", "leafy-greens", "bunch", 310, ("Curly", "Red Russian", "Lacinato"), _WINTER, ("vegetables",)),
    Good("chard", "leafy-greens", "bunch", 280, ("Rainbow", "Fordhook", "Ruby"), _SUMMER, ("vegetables",)),
    Good("tomatoes", "tomatoes-peppers", "kg", 520, ("Brandywine", "San Marzano", "Cherokee", "Green Zebra", "Sungold", "Roma"), _SUMMER, ("vegetables", "salad")),
    Good("peppers", "tomatoes-peppers", "kg", 560, ("Bell", "Padron", "Poblano", "Corno di Toro"), _SUMMER, ("vegetables",)),
    Good("chillies", "tomatoes-peppers", "g", 3, ("Cayenne", "Serrano", "Habanero", "Jalapeno"), _AUTUMN, ("spicy",)),
    Good("pumpkins", "squash", "each", 480, ("Hokkaido", "Butternut", "Muscat", "Kabocha"), _AUTUMN, ("vegetables",)),
    Good("courgettes", "squash", "kg", 310, ("Round", "Striped", "Yellow", "Black Beauty"), _SUMMER, ("vegetables",)),
    Good("basil", "herbs", "bunch", 240, ("Genovese", "Thai", "Lemon", "Purple"), _SUMMER, ("herbs",)),
    Good("parsley", "herbs", "bunch", 190, ("Curly", "Flat Leaf"), None, ("herbs",)),
    Good("thyme", "herbs", "bunch", 230, ("Lemon", "Garden", "Orange"), None, ("herbs",)),
    Good("garlic", "alliums", "each", 160, ("Purple Stripe", "Rocambole", "Elephant", "Silverskin"), _SUMMER, ("vegetables",)),
    Good("onions", "alliums", "kg", 210, ("Red", "Sturon", "Sweet", "White"), None, ("vegetables",)),
    Good("leeks", "alliums", "kg", 380, ("Giant", "Musselburgh", "Blue Solaise"), _WINTER, ("vegetables",)),
    Good("apples", "orchard-fruit", "kg", 340, ("Gala", "Braeburn", "Boskoop", "Elstar", "Cox", "Topaz", "Pinova"), _AUTUMN, ("fruit",)),
    Good("pears", "orchard-fruit", "kg", 390, ("Conference", "Williams", "Comice", "Abate"), _AUTUMN, ("fruit",)),
    Good("quinces", "orchard-fruit", "kg", 450, ("Vranja", "Champion"), _AUTUMN, ("fruit",)),
    Good("strawberries", "berries", "box", 490, ("Elsanta", "Mara des Bois", "Honeoye", "Korona"), _SPRING, ("fruit", "berries")),
    Good("raspberries", "berries", "box", 520, ("Autumn Bliss", "Tulameen", "Golden"), _SUMMER, ("fruit", "berries")),
    Good("blueberries", "berries", "box", 580, ("Bluecrop", "Duke", "Wild"), _SUMMER, ("fruit", "berries")),
    Good("cherries", "stone-fruit", "kg", 790, ("Bing", "Rainier", "Regina", "Sour"), _SUMMER, ("fruit",)),
    Good("plums", "stone-fruit", "kg", 380, ("Victoria", "Mirabelle", "Damson", "Greengage"), _SUMMER, ("fruit",)),
    Good("peaches", "stone-fruit", "kg", 560, ("White", "Redhaven", "Vineyard"), _SUMMER, ("fruit",)),
    Good("cheddar", "cheese", "kg", 2380, ("Aged", "Smoked", "Mild", "Clothbound"), None, ("dairy",)),
    Good("goat cheese", "cheese", "each", 640, ("Fresh", "Ash", "Herbed", "Aged"), None, ("dairy",)),
    Good("gouda", "cheese", "kg", 2190, ("Young", "Cumin", "Nettle", "Old"), None, ("dairy",)),
    Good("milk", "milk", "litre", 190, ("Whole", "Raw", "Skimmed", "Jersey"), None, ("dairy",)),
    Good("butter", "milk", "each", 420, ("Salted", "Cultured", "Sweet Cream"), None, ("dairy",)),
    Good("yogurt", "milk", "each", 290, ("Plain", "Strained", "Sheep"), None, ("dairy",)),
    Good("eggs", "eggs", "box", 480, ("Brown", "White", "Blue", "Duck", "Quail"), None, ("eggs",)),
    Good("ground beef", "beef-lamb", "kg", 1490, ("Lean", "Angus", "Highland", "Dry Aged"), None, ("meat",)),
    Good("lamb chops", "beef-lamb", "kg", 2690, ("Salt Marsh", "Heath", "Spring"), None, ("meat",)),
    Good("sausages", "pork", "lb", 990, ("Fennel", "Smoked", "Breakfast", "Spicy"), None, ("meat",)),
    Good("bacon", "pork", "lb", 1190, ("Maple", "Smoked", "Back"), None, ("meat",)),
    Good("chicken", "poultry", "kg", 1280, ("Whole", "Corn Fed", "Heritage"), None, ("meat", "poultry")),
    Good("bread", "bread", "each", 540, ("Sourdough", "Rye", "Spelt", "Walnut", "Oat"), None, ("baked",)),
    Good("rolls", "bread", "each", 90, ("Poppy Seed", "Sesame", "Potato", "Spelt"), None, ("baked",)),
    Good("cake", "cakes", "each", 1450, ("Carrot", "Apple", "Plum", "Hazelnut"), None, ("baked", "sweet")),
    Good("honey", "honey", "each", 890, ("Linden", "Clover", "Wildflower", "Chestnut", "Acacia", "Buckwheat"), None, ("honey", "sweet")),
    Good("jam", "preserves", "each", 560, ("Strawberry", "Apricot", "Damson", "Blackcurrant"), None, ("preserves", "sweet")),
    Good("pickles", "preserves", "each", 490, ("Dill", "Mustard", "Beetroot", "Mixed"), None, ("preserves",)),
    Good("flour", "grains", "kg", 220, ("Wheat", "Rye", "Spelt", "Emmer", "Buckwheat"), None, ("grain",)),
    Good("oats", "grains", "kg", 260, ("Rolled", "Steel Cut", "Naked"), None, ("grain",)),
    Good("juice", "juice", "litre", 380, ("Apple", "Pear", "Carrot", "Grape"), None, ("drinks",)),
    Good("cider", "cider-wine", "litre", 490, ("Dry", "Sweet", "Cloudy", "Perry"), None, ("drinks",)),
    Good("tulips", "cut-flowers", "bunch", 650, ("Parrot", "Red", "White", "Mixed"), _SPRING, ("flowers",)),
    Good("dahlias", "cut-flowers", "bunch", 780, ("Pompon", "Cactus", "Mixed"), _SUMMER, ("flowers",)),
    Good("seedlings", "seedlings", "each", 250, ("Tomato", "Pepper", "Lettuce", "Cabbage", "Herb"), _SPRING, ("plants",)),
)  # fmt: skip

#: The words before a variety, with their tag, if any. Repeated entries are drawn more often.
QUALITIES: tuple[tuple[str, str], ...] = (
    ("", ""), ("", ""), ("", ""), ("Organic", "organic"), ("Organic", "organic"), ("Heirloom", "heirloom"), ("Fresh", ""),
    ("Biodynamic", "biodynamic"), ("Small", ""), ("Large", ""), ("Select", ""), ("Family size", ""),
)  # fmt: skip

OPENINGS = (
    "Grown on our own fields without haste and picked the day before the market.",
    "A variety that our grandparents kept, and that no shop has.",
    "What you know from the weekly market, now to order ahead.",
    "Our best known product, and the first to be gone on a Saturday.",
    "Raised in small numbers, so that we can look after every one of them.",
    "From the first harvest of the year, with all its flavour.",
    "Made by hand in the old dairy behind the house, in batches that one person can carry.",
    "A reliable classic for every kitchen, sorted by hand and packed in paper.",
)
MIDDLES = (
    "The soil here is light and sandy, which gives a clear and slightly sweet taste.",
    "We use neither synthetic fertiliser nor sprays, and rotate the crops over seven years.",
    "The fields lie by the river, where mornings are cool and the days long.",
    "Everything is cooled within an hour, so that it stays crisp for a week.",
    "We keep the seed ourselves and choose the strongest plants each autumn.",
    "Our animals are outside from spring to late autumn and eat what grows here.",
    "It takes longer this way, and you can taste that it does.",
    "Last year it won second prize at the county fair.",
    "The work is done by four people, two horses and one old tractor.",
    "Sizes differ a little, as they do in nature; the weight is always right.",
    "The mill in the next village grinds it for us every other week.",
    "We have done it in this way for more than thirty years.",
)
ENDINGS = (
    "Keep it cool and dark, and use it within a week.",
    "Lovely raw in a salad, or slowly roasted with a little oil and salt.",
    "Tell us in the note if you would like smaller pieces.",
    "It freezes well; we do so ourselves for the winter.",
    "Please bring the empty jar or box back to the stall.",
    "Best eaten on the day that you fetch it.",
    "Goes well with fresh bread and somebody to share it.",
    "Ask at the stall for the recipe of the month.",
)

FARM_FIRST = (
    "Willow", "Stone", "Oak", "River", "Hill", "Meadow", "Fox", "Cedar", "Maple", "Sunny", "North", "Old", "Green", "Silver",
    "Golden", "Clover", "Orchard", "Birch", "Heron", "Misty", "Quiet", "Long", "Red", "Blue", "Amber", "Thistle", "Hazel",
    "Juniper", "Lark", "Otter", "Raven", "Sparrow", "Elder", "Fern", "Granite", "Harvest", "Iron", "Laurel", "Pine", "Wild",
)  # fmt: skip
FARM_SECOND = (
    "Creek", "Hollow", "Ridge", "Valley", "Brook", "Field", "Acres", "Grove", "Bend", "Gate", "Bridge", "Well", "Barn", "Bank",
    "Glen", "Heath", "Moor", "Pond", "Spring", "Wood", "Crossing", "Corner", "Bottom", "Lane", "Croft", "Dale", "Ford", "Knoll",
)  # fmt: skip
FARM_KINDS = ("Farm", "Farm", "Farm", "Gardens", "Orchard", "Dairy", "Family Farm", "Growers", "Homestead")

#: Town, latitude and longitude: farms lie within half a degree of one.
PLACES = (
    ("Burlington", 44.48, -73.21), ("Ithaca", 42.44, -76.50), ("Lancaster", 40.04, -76.31), ("Asheville", 35.60, -82.55),
    ("Madison", 43.07, -89.40), ("Ames", 42.03, -93.62), ("Lawrence", 38.97, -95.24), ("Boulder", 40.01, -105.27),
    ("Missoula", 46.87, -113.99), ("Eugene", 44.05, -123.09), ("Bellingham", 48.75, -122.48), ("Davis", 38.54, -121.74),
    ("Athens", 33.96, -83.38), ("Fayetteville", 36.08, -94.17), ("Traverse City", 44.76, -85.62), ("Portland", 43.66, -70.26),
)  # fmt: skip
STREETS = ("Mill Road", "Church Lane", "Orchard Street", "County Road 9", "River Road", "Market Street", "Station Road")
CERTIFICATIONS = (
    (),
    (),
    (),
    ("organic",),
    ("organic",),
    ("biodynamic",),
    ("animal welfare",),
    ("organic", "animal welfare"),
)
