"""What a feature and its rows are called, in code and on pages."""

import builtins
import keyword

# No s is to be taken from these.
SINGULAR_ENDINGS = ("ss", "us", "is")
ALIKE = {"news", "series", "species"}


def singular(name: str) -> str:
    """What one row is called: `orders` has an `order`, and `news` a `news_entry`."""
    one = _without_plural(name)
    taken = one == name or keyword.iskeyword(one) or hasattr(builtins, one)
    return f"{name}_entry" if taken else one


def plural(word: str) -> str:
    """Several of a word."""
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return f"{word[:-1]}ies"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    return f"{word}s"


def camel(name: str) -> str:
    """A name as classes have it: `order_item` is `OrderItem`."""
    return "".join(part.capitalize() for part in name.split("_"))


def human(name: str) -> str:
    """A name as people write it inside a sentence: `order_item` is `order item`."""
    return name.replace("_", " ").strip()


def title(name: str) -> str:
    """A name as people write it at the beginning: `order_item` is `Order item`."""
    words = human(name)
    return words[:1].upper() + words[1:]


def article(word: str) -> str:
    """The word with `a` or `an` before it."""
    return f"{'an' if word.startswith(tuple('aeiou')) else 'a'} {word}"


def _without_plural(name: str) -> str:
    last = name.rpartition("_")[2]
    if last in ALIKE or name.endswith(SINGULAR_ENDINGS) or len(last) < 3:
        return name
    if name.endswith("ies") and len(last) > 4:
        return f"{name[:-3]}y"
    if name.endswith(("sses", "xes", "ches", "shes", "zes")):
        return name[:-2]
    return name.removesuffix("s")
