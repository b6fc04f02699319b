"""What a made project has not, or has otherwise, besides its names.

A pattern that finds nothing is no error, because older versions are rendered, too; a
test holds that each of them finds something in this version.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# About the boilerplate itself. A path that ends with a slash is a folder.
LEFT_OUT = (
    *(".ci/", "boilerplate/", "tests/boilerplate/", "tests/quart_chassis/"),
    *("CONTRIBUTING.md", "LICENSE", ".github/workflows/release.yml"),
    *("docs/decisions.md", "docs/from-the-tutorial.md", "docs/tutorial.md"),
    *("docs/without-the-demo.md", "tests/test_documents.py"),
)
# Pictures of the demo, and the documents that show them.
SCREENSHOTS = re.compile(r"docs/.*\.png|docs/\w+/(the-page|pages)\.md")
# Distributions that nothing but the demo needs.
OF_THE_DEMO = ("crawler-user-agents",)
# Nothing but the demo has tables.
MIGRATIONS = re.compile(r"migrations/versions/.*\.py")


@dataclass(frozen=True)
class Edit:
    """In the file `path`, everything that matches `pattern` is replaced."""

    path: str
    pattern: str
    instead: str = ""

    def __call__(self, text: str) -> str:
        """The text of the file afterwards."""
        return re.sub(self.pattern, self.instead, text, flags=re.MULTILINE)


# Names are put in afterwards: My app becomes the title.
EDITS = (
    Edit("pyproject.toml", r'^version = ".*"', 'version = "0.1.0"'),
    Edit("pyproject.toml", r'^description = ".*"', 'description = "My app"'),
    Edit("pyproject.toml", r"^license.* = .*\n"),
    Edit(
        "pyproject.toml", r'^(package = "my_app")\n(.+\n)*', '\\1\ntitle = "My app"\n'
    ),
    # Lint, types and coverage look at what is theirs.
    Edit(
        "pyproject.toml",
        r"^\[tool\.ruff\]\n",
        r'\g<0>extend-exclude = ["quart_chassis"]\n',
    ),
    Edit("pyproject.toml", r'(^#.*\n)*^"(quart_chassis|boilerplate)/.*\n'),
    Edit("pyproject.toml", r'^(files = .*)"boilerplate", ', r"\1"),
    Edit("pyproject.toml", r'^(files = .*)"quart_chassis", ', r"\1"),
    Edit("pyproject.toml", r'^(application = .*), "boilerplate"', r"\1"),
    Edit("pyproject.toml", r"^# The application of the chassis' own tests\.\n.*\n"),
    Edit("pyproject.toml", r"^exclude = .*small.*\n"),
    Edit("pyproject.toml", r'^(include = .*)"\*/quart_chassis/\*", ', r"\1"),
    # What only the chassis' own tests need.
    Edit("pyproject.toml", r'^(omit = .*), "\*/checkout/[^"]*"', r"\1"),
    Edit("pyproject.toml", r"^    # Only root gets there.*\n(    'def _.*\n)*"),
    # Whoever takes another tool commits its lock.
    Edit(".gitignore", r"^# A project of your own.*\n((poetry|uv)\.lock\n)*"),
    Edit("Dockerfile", r" \\\n.*licenses=.*"),
    # The database's name and its user.
    Edit("settings.toml", r'^(DATABASE_NAME = )"app"', r'\1"my_app"'),
    Edit("docker-compose.yml", r"(POSTGRES_DB: )app$", r"\1my_app"),
    Edit("docker-compose.yml", r'("-d", )"app"', r'\1"my_app"'),
    Edit("docs/deploy.md", r"(-Fc|--force|-U app_user|-d) app\b(?!_)", r"\1 my_app"),
    Edit("docs/deploy.md", r"(@host/)app\b", r"\1my_app"),
)


def without(demos: Iterable[str]) -> tuple[Edit, ...]:
    """What takes these features out, besides their folders and their migrations."""
    names = "|".join(demos)
    return (
        Edit("my_app/application.py", rf"\b({names}), |, ({names})\b"),
        Edit("my_app/application.py", r"= \((\w+)\)$", r"= (\1,)"),
        Edit("settings.toml", rf"\n# --- ({names}) ---\n(.+\n)*"),
        Edit("monitoring/prometheus.yml", rf"^.*\b({names})\b.*\n"),
        *(Edit("pyproject.toml", rf'^ +"{name} .*\n') for name in OF_THE_DEMO),
        *(
            Edit(f"requirements/{file}.txt", rf"^{name}==.*\n(^ +.*\n)*")
            for file in ("app", "run", "tracing", "dev")
            for name in OF_THE_DEMO
        ),
    )
