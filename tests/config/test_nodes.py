import pytest
import yaml

from pipeline.config import nodes
from pipeline.config.nodes import Mapping, Node, Scalar, Sequence, find, parse


def plain(node: Node | None) -> object:
    """What a node holds, without its lines."""
    if isinstance(node, Mapping):
        return {key: plain(entry.node) for key, entry in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.text if node else None


def refusal(text: str) -> str:
    """The only problem with a text that is no YAML of ours."""
    root, (problem,) = parse(text, "x")
    assert root is None
    return str(problem)


def test_every_value_is_a_text_as_written() -> None:
    """Neither Norway, nor a year, nor a zip code becomes something else; null and nothing stay nothing."""
    root, _ = parse("{no: NO, year: 1984, zip: 01234, on: 'null', none: ~, nil: null, empty: }", "x")
    assert plain(root) == {"no": "NO", "year": "1984", "zip": "01234", "on": "null", "none": None, "nil": None, "empty": None}


def test_a_variable_may_stand_in_a_flow_mapping_unquoted() -> None:
    """`${NAME}` and `${NAME:-default}` are texts where YAML would see a mapping, in keys and comments harmless."""
    root, problems = parse("a: {b: ${X}, c: [${Y:-a b}], d: pre${Z}post} # ${W}\n'${K}': '$${L}'", "x")
    assert plain(root) == {"a": {"b": "${X}", "c": ["${Y:-a b}"], "d": "pre${Z}post"}, "${K}": "$${L}"}
    assert problems == []


def test_every_key_and_item_knows_its_line() -> None:
    """A path leads to the line of its key or item; a path too long to the last line that exists."""
    root, _ = parse("a:\n  - b\n  -\n    c: |\n      d\n    e: f\n", "x")
    assert root is not None
    lines = [find(root, path)[0] for path in [("a",), ("a", 0), ("a", 1, "c"), ("a", 1, "e"), ("a", 1, "g"), ("a", 9), ("h",)]]
    assert lines == [1, 2, 4, 6, 4, 1, 1]


def test_a_key_defined_twice_is_a_problem_that_names_both_lines() -> None:
    """However deep it stands; the first counts."""
    root, problems = parse("a:\n  - b: 1\n    c: 2\n    b: 3\n", "x.yaml")
    assert list(map(str, problems)) == ["x.yaml:4: a[0].b: expected a key of its own; it is defined already at x.yaml:2"]
    assert plain(root) == {"a": [{"b": "1", "c": "2"}]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: b\nc: [1\n\n", "x:4: expected YAML (did not find expected ',' or ']' in what begins on line 2)"),
        ("a: 'b", "x:1: expected YAML"),
        ("a:\n\t- b", "x:2: expected YAML (found character that cannot start any token); YAML is indented with spaces"),
        ("a: b: c", "x:1: expected YAML (mapping values are not allowed in this context); quote a text"),
        ("a: \x01", "x:1: expected text"),
        ("a: b\n---\nc: d", "x:2: expected one document"),
        ("a: !!python/object/apply:os.system [ls]", "x:1: expected no tag"),
        ("a: !secret b", "x:1: expected no tag"),
        ("? [a]\n: b", "x:1: expected a text as key"),
        ("a: {{b}}", "x:1: expected a text as key"),
        ("a: *b", "x:1: expected `&b` before `*b`"),
        ("a: &b [*b]", "x:1: expected `&b` before `*b`"),
    ],
)
def test_what_is_no_yaml_of_ours_is_refused_with_its_line(text: str, says: str) -> None:
    """Syntax errors, tags, second documents, odd keys and aliases of nothing."""
    assert refusal(text).startswith(says)


def test_a_syntax_error_does_not_quote_the_file() -> None:
    """What stands on a broken line may be a secret."""
    assert "hunter2" not in refusal("secret: 'hunter2\nother: [")


@pytest.mark.parametrize("deep", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "[" * 100_000 + "]" * 100_000])
def test_deep_nesting_is_refused(deep: str) -> None:
    """A hundred thousand brackets end neither the process nor its patience."""
    assert refusal(deep) == "x:1: expected at most 16 levels of lists and mappings"


def test_an_alias_bomb_is_refused() -> None:
    """Twelve lines that stand for a trillion values are told by their size before they are written out."""
    bomb = "a0: &a0 [x]\n" + "".join(f"a{at}: &a{at} [{','.join([f'*a{at - 1}'] * 10)}]\n" for at in range(1, 13))
    assert "expected at most 2,000,000 values" in refusal(bomb)


def test_a_large_file_is_no_bomb() -> None:
    """Values are counted once, however deep they stand."""
    root, problems = parse("{a: " * 14 + "[" + "x," * 10_000 + "]" + "}" * 14, "x")
    assert root is not None
    assert problems == []


def test_an_alias_stands_for_its_anchor() -> None:
    """Honest aliases are read."""
    root, _ = parse("a: &who [x, &y z]\nb: *who\nc: *y", "x")
    assert plain(root) == {"a": ["x", "z"], "b": ["x", "z"], "c": "z"}


def test_the_parser_is_the_quick_one() -> None:
    """Where PyYAML has libyaml, it is used: twenty times as fast."""
    assert nodes._LOADER is (yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_document_is_no_error_of_the_parser(text: str) -> None:
    """Nothing, or null: what that means is for who reads it."""
    root, problems = parse(text, "x")
    assert problems == []
    assert root is None or (isinstance(root, Scalar) and root.text is None)
