"""How the categories of a synthetic catalogue look, and what they are called in the other languages of a market."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

#: Icon and colour of the categories at the top, which those below have, too.
LOOKS = {
    "vegetables": ("🥕", "#4f8a3c"), "fruit": ("🍎", "#c8473c"), "dairy-eggs": ("🧀", "#e0b84a"), "meat-poultry": ("🥩", "#9c3d3d"),
    "bakery": ("🍞", "#b07a3f"), "pantry": ("🍯", "#cf9a2f"), "drinks": ("🧃", "#5f8fb8"), "flowers-plants": ("🌷", "#b3599a"),
}  # fmt: skip
LANGUAGES = ("de", "fr", "es")
#: Names in the order of these languages.
NAMES: dict[str, tuple[str, str, str]] = {
    "vegetables": ("Gemüse", "Légumes", "Verduras"), "fruit": ("Obst", "Fruits", "Fruta"),
    "dairy-eggs": ("Milch und Eier", "Crèmerie et œufs", "Lácteos y huevos"), "meat-poultry": ("Fleisch und Geflügel", "Viandes et volailles", "Carne y aves"),
    "bakery": ("Backwaren", "Boulangerie", "Panadería"), "pantry": ("Vorrat", "Épicerie", "Despensa"), "drinks": ("Getränke", "Boissons", "Bebidas"),
    "flowers-plants": ("Blumen und Pflanzen", "Fleurs et plantes", "Flores y plantas"),
    "root-vegetables": ("Wurzelgemüse", "Légumes-racines", "Raíces"), "leafy-greens": ("Blattgemüse", "Légumes-feuilles", "Hortalizas de hoja"),
    "tomatoes-peppers": ("Tomaten und Paprika", "Tomates et poivrons", "Tomates y pimientos"), "squash": ("Kürbisse", "Courges", "Calabazas"),
    "herbs": ("Kräuter", "Herbes aromatiques", "Hierbas"), "alliums": ("Zwiebeln und Knoblauch", "Oignons et ail", "Cebollas y ajos"),
    "orchard-fruit": ("Kernobst", "Fruits à pépins", "Fruta de pepita"), "berries": ("Beeren", "Petits fruits", "Bayas"),
    "stone-fruit": ("Steinobst", "Fruits à noyau", "Fruta de hueso"), "cheese": ("Käse", "Fromages", "Quesos"), "milk": ("Milch und Butter", "Lait et beurre", "Leche y mantequilla"),
    "eggs": ("Eier", "Œufs", "Huevos"), "beef-lamb": ("Rind und Lamm", "Bœuf et agneau", "Ternera y cordero"), "pork": ("Schwein", "Porc", "Cerdo"),
    "poultry": ("Geflügel", "Volailles", "Aves"), "bread": ("Brot", "Pain", "Pan"), "cakes": ("Kuchen und Gebäck", "Gâteaux et pâtisseries", "Pasteles"),
    "honey": ("Honig", "Miel", "Miel"), "preserves": ("Eingemachtes", "Conserves", "Conservas"), "grains": ("Getreide und Mehl", "Céréales et farines", "Cereales y harinas"),
    "juice": ("Saft", "Jus", "Zumos"), "cider-wine": ("Most und Wein", "Cidre et vin", "Sidra y vino"), "cut-flowers": ("Schnittblumen", "Fleurs coupées", "Flores cortadas"),
    "seedlings": ("Jungpflanzen", "Jeunes plants", "Plantones"),
}  # fmt: skip


def looks(slug: str, parent: str | None, languages: Collection[str]) -> tuple[str, str, str]:
    """Icon, colour, and translations as JSON, into those of the market's ``languages`` that are known here."""
    icon, color = LOOKS.get(parent or slug, ("", ""))
    names = dict(zip(LANGUAGES, NAMES.get(slug, ()), strict=False))
    texts = {language: {"name": name, "description": ""} for language, name in names.items() if language in languages}
    return icon, color, msgspec.json.encode(texts).decode()
