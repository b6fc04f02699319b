"""How wide text is, by the advance widths of a font's glyphs.

The tables are of DejaVu Sans 2.37, whose widths are nearly those of Verdana. Each has
the characters of a width, in hundredths of the font's size. Digits are all alike.
"""

# ruff: noqa: RUF001 - Greek and Cyrillic letters that look like Latin ones are meant

import unicodedata

_REGULAR = {
    27: "'",
    28: "ijlıłі",
    29: "IJΙІ",
    32: " ,.·‘’",
    34: "/:;\\|¦ι",
    35: "fſ",
    36: "-",
    39: "()[]t",
    40: "!¡²³¹",
    41: "r",
    46: '"',
    47: "ªº",
    50: "*_`§¨¯°´¸–",
    52: "sz“”",
    53: "?¿гзґ",
    54: "εζ",
    55: "cсэє",
    56: "LŁΓνξ",
    58: "Fkυχт",
    59: "vxyγκλςвухчь•",
    60: "PÞΡπτРкя",
    61: "TYao«»ðøΤΥδθοГТУаоҐ",
    62: "eбеђ",
    63: "ESbdghnpqußþđΕΞΣηρσЕр",
    64: "$0123456789{}¢£¤¥µ¶βμЗл€",
    65: "инпћ",
    66: "KΚαφψ",
    68: "AVΑΔΛАц",
    69: "BRXZΒΖΧБВХЧЬЯд",
    70: "CСЭЄ",
    71: "Къ",
    73: "U",
    75: "HNΗΝΠИЛНПм",
    76: "Ω",
    77: "DGÐĐ",
    78: "&ДЦ",
    79: "OQØΘΟΦΨОыЋЂ",
    82: "w",
    83: "Ъ",
    84: "#+<=>^~¬±×÷ωю→←↑↓✓✗",
    85: "ф",
    86: "MΜМФ",
    88: "Ы",
    90: "жљњ★☆♥",
    92: "ш",
    94: "щ",
    95: "%",
    97: "m¼½¾Æ",
    98: "æ",
    99: "W",
    100: "@©®—…™",
    102: "œ",
    104: "Њ",
    107: "ŒШ",
    108: "ЖЮ",
    109: "ЩЉ",
}
_BOLD = {
    31: "'",
    34: "ijlıі",
    35: " ",
    37: "/IJ\\|¦łΙІ",
    38: ",.·‘’",
    39: "ι",
    40: ":;",
    42: "-",
    44: "f²³¹ſ",
    46: "!()[]¡",
    48: "t",
    49: "r",
    50: "_`§¨¯°´¸–",
    52: '"*гґ',
    56: "ªºε",
    58: "?z¿зт",
    59: "cζξςсэє",
    60: "s",
    63: "Ξλвь",
    64: "L¤¶ŁΓτГяҐ•",
    65: "vxy«»χух",
    66: "“”",
    67: "akа",
    68: "EFTeΕΣΤγνυЕТек",
    69: "oðøαδθοнопч",
    70: "$0123456789¢£¥би€",
    71: "hnu{}ηκЗђ",
    72: "SYbdgpqßþđΥβρр",
    73: "CPZΖΡРСЭлЄћ",
    74: "µÞμц",
    75: "ъ",
    76: "BΒБВЬ",
    77: "AKRVXΑΔΚΛΧАУХЯ",
    78: "σφ",
    79: "πψ",
    81: "UЧд",
    82: "GКм",
    83: "DЛ",
    84: "#+<=>HN^~¬±Ð×÷ĐΗΝΠИНП→←↑↓✓✗",
    85: "OQØΘΟΦΨΩО",
    87: "&ω",
    88: "ЋЂ",
    89: "Д",
    90: "ы★☆♥",
    92: "w",
    93: "Ц",
    94: "Ъ",
    96: "њ",
    97: "ю",
    99: "Ффљ",
    100: "%@M©®ΜМж—…™",
    104: "m¼½¾Ы",
    105: "æ",
    106: "ш",
    108: "Æ",
    109: "œ",
    110: "W",
    111: "щ",
    113: "Њ",
    115: "Љ",
    117: "ŒЮ",
    122: "Ж",
    124: "Ш",
    133: "Щ",
}

# What no table has: as wide as a letter at most is, or as a picture or an ideograph.
_OTHER, _WIDE = 80, 125


def width_of(text: str, size: float, *, is_bold: bool = False) -> float:
    """How wide the text is in a font of `size` pixels, in pixels."""
    table = _BY_CHARACTER[is_bold]
    hundredths = sum(
        table.get(character, _estimate(character))
        for character in unicodedata.normalize("NFD", text)
    )
    return hundredths * size / 100


def is_measured(text: str) -> bool:
    """Whether the width of the whole text is known, and not estimated."""
    return all(
        character in _BY_CHARACTER[False] or unicodedata.combining(character)
        for character in unicodedata.normalize("NFD", text)
    )


def _estimate(character: str) -> int:
    if unicodedata.combining(character) or not character.isprintable():
        return 0
    is_wide = unicodedata.east_asian_width(character) in {"W", "F"}
    return _WIDE if is_wide else _OTHER


_BY_CHARACTER = [
    {character: width for width, group in table.items() for character in group}
    for table in (_REGULAR, _BOLD)
]
