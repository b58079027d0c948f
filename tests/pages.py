"""HTML as a browser reads it: for tests of what panels and reports say."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """The tags of a page with their attributes, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def said(self) -> str:
        """All words, with one blank between them."""
        return " ".join(" ".join(self.words).split())

    @property
    def tag_names(self) -> list[str]:
        return [name for name, _ in self.tags]

    def of(self, tag: str) -> list[dict]:
        """The attributes of each tag of a name."""
        return [attrs for name, attrs in self.tags if name == tag]
