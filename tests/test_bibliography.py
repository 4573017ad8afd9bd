"""The bibliography leads to what it names."""

import re

import pytest
from pages import ROOT

FIELD = re.compile(r"^  (\w+) *= \{(.*)\},$", re.MULTILINE)
TEXT = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
ENTRIES = {
    key: {"kind": kind, **dict(FIELD.findall(body))}
    for kind, key, body in re.findall(r"^@(\w+)\{(\w+),\n(.*?)^\}$", TEXT, re.MULTILINE | re.DOTALL)
}


def test_every_entry_is_read():
    assert len(ENTRIES) == TEXT.count("@") > 100


@pytest.mark.parametrize("key", ENTRIES)
def test_a_journal_article_has_its_doi_or_says_why_not(key):
    entry = ENTRIES[key]
    assert entry["kind"] != "article" or ("doi" in entry) != ("nodoi" in entry)
    assert re.fullmatch(r"10\.\d{4,5}/\S+", entry.get("doi", "10.0000/none"))
