"""What stands around and between the cells of a text file.

Rules: P10, P18.
"""

from __future__ import annotations

import pytest

from testing.csv_lines import ROWS, Loader, Refusal, lines

PLAIN = lines(lambda i: i * i % 17)
FIRST = [[0.5, 0], [7.5, 1], [1.5, 4]]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_delimiter_with_any_line_ends(load: Loader, mark: str, end: str) -> None:
    table = load(("u,v,y\n" + PLAIN).replace(",", mark).replace("\n", end))
    assert table.feature_names == ("u", "v")
    assert table.features[:3].tolist() == FIRST
    assert table.features.shape == (ROWS, 2)
    assert table.notes == ()


def test_line_ends_may_be_mixed(load: Loader) -> None:
    ends = ["\n", "\r\n", "\r"]
    rows = [line + ends[i % 3] for i, line in enumerate(("u,v,y\n" + PLAIN).split("\n")) if line]
    assert load("".join(rows)).features[:3].tolist() == FIRST


@pytest.mark.parametrize("blank", ["", "  ", ",", " , ", ",,", " , , ", "\t"])
def test_rows_of_nothing_are_skipped(load: Loader, blank: str) -> None:
    rows = PLAIN.splitlines()
    table = load("\n".join(["u,v,y", blank, *rows[:9], blank, *rows[9:], blank, ""]))
    assert table.features.shape == (ROWS, 2)
    assert table.notes == ()


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"', "\n\nsep=;"])
def test_a_sep_line_names_the_delimiter(load: Loader, line: str) -> None:
    table = load(f"{line}\nu;v,w;y\n" + PLAIN.replace(",", ";"))
    assert table.feature_names == ("u", "v,w")


@pytest.mark.parametrize("mark", ["#", "%", "//"])
def test_comments_above_and_among_the_rows_are_skipped(load: Loader, mark: str) -> None:
    rows = PLAIN.splitlines()
    rows[3:3] = [f"{mark} b", f"  {mark} so, that", f"{mark}1,2,a"]
    table = load("\n".join([f"{mark} made, by hand, in May, alone", "", "u,v,y", *rows]))
    assert table.features.shape == (ROWS, 2)
    assert table.notes == (f"comment lines that begin with {mark!r} skipped",)


def test_a_header_may_begin_like_a_comment(load: Loader) -> None:
    assert load("# a title\n#u,v,y\n" + PLAIN).feature_names == ("u", "v")
    assert load("% fat,v,y\n" + PLAIN).feature_names == ("% fat", "v")


def test_a_hash_may_begin_a_cell_where_there_are_no_comments(load: Loader) -> None:
    table = load("v,u,y\n" + "".join(f"#{i % 2},{i * 7 % 13}.5,{'ab'[i // 2 % 2]}\n" for i in range(ROWS)))
    assert table.feature_names == ("v=#1", "u")


def test_names_of_rows_are_left_out(load: Loader) -> None:
    rows = "".join(f'"{i + 1}" {line}\n' for i, line in enumerate(PLAIN.replace(",", " ").splitlines()))
    table = load('"u" "v" "y"\n' + rows)  # as R's write.table does
    assert table.features[:3].tolist() == FIRST
    assert table.notes == ("first column dropped: names of the rows, for the header has none for it",)


@pytest.mark.parametrize("header", ["u,v,y", "u,v,y,"])
@pytest.mark.parametrize("end", ["", ",", ", "])
def test_delimiters_at_the_end_of_lines(load: Loader, header: str, end: str) -> None:
    table = load(header + "\n" + PLAIN.replace("\n", end + "\n"), None)
    assert table.features[:3].tolist() == FIRST
    dropped = ("column 4 dropped: it has neither name nor cells",) if end else ()
    assert table.notes == (*dropped, "target: column 'y'")


def test_several_delimiters_at_the_end(load: Loader) -> None:
    assert load("u,v,y,,,\n" + PLAIN.replace("\n", ",,,\n")).feature_names == ("u", "v")
    assert load("u,v,y,,,\n" + PLAIN).feature_names == ("u", "v")


def test_a_cell_that_no_header_names_is_refused(refusal: Refusal) -> None:
    rows = PLAIN.replace("\n", ",\n")
    message = refusal("u,v,y\n" + rows + "1,2,a,9\n")
    assert message == "rows have 4 fields, the header has 3: name all columns"


def test_blanks_before_a_quote_do_not_hide_it(load: Loader) -> None:
    rows = "".join(f'{i * 7 % 13}.5, "p, {i % 3} ""q"", ""r", "{"ab"[i // 2 % 2]}"\n' for i in range(ROWS))
    assert load("u, v, y\n" + rows).feature_names[1] == 'v=p, 0 "q", "r'


def test_a_quote_within_a_cell_is_a_letter(load: Loader) -> None:
    assert load("u,v,y\n" + lines(lambda i: f'{i % 2}" pipe')).feature_names == ("u", 'v=1" pipe')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("u,v,y\n1,2,a\n\n1,2\n" + PLAIN, "line 4 has 2 fields, the header has 3"),
        ("# c\nu,v,y\n1,2,a\n1,2,a,3\n" + PLAIN, "line 4 has 4 fields, the header has 3"),
        ('u,v,y\n"1",2,a\n1,"2\n",a\n1,2\n' + PLAIN, "line 5 has 2 fields, the header has 3"),
        ("u,v,y\n" + PLAIN + '1,"2,a\n3,4,b\n', f"line {ROWS + 3}: unexpected end of data"),
        ("u,v,y\n" + PLAIN + '1,"2"x,a\n', f"line {ROWS + 2}: ',' expected after '\"'"),
        ('u,"v,y\n1,2,a\n', "line 2: unexpected end of data"),
        ("u,v,y\n\n \n", "no rows below the header"),
        ("# only\n# this\n", "the file is empty"),
        ("\ufeff", "the file is empty"),
        (
            "u,v,y\n" + "1," + "x" * 200_000 + ',"a"\n' + PLAIN,
            "line 2: field larger than field limit (131072)",
        ),
    ],
)
def test_refuses_what_is_broken_and_says_where(refusal: Refusal, text: str, message: str) -> None:
    assert refusal(text) == message


def test_a_name_used_twice_is_refused(refusal: Refusal) -> None:
    assert refusal("u,u,y\n" + PLAIN) == "the header names column 'u' twice: rename one"


@pytest.mark.parametrize("wanted", [" state ", "STATE", "ｓtate"])
def test_a_target_is_found_however_it_is_written(load: Loader, wanted: str) -> None:
    table = load("u,v,State\n" + PLAIN, wanted)
    assert table.class_names == ("a", "b")
    assert table.notes == ("target: column 'State'",)


def test_of_many_columns_only_the_nearest_are_named(refusal: Refusal) -> None:
    names = [f"marker{i}" for i in range(300)]
    row = ",".join("1" for _ in names)
    message = refusal(",".join(names) + f"\n{row}\n", "marker299x")
    assert message.startswith("no column 'marker299x'; its columns are marker299, ")
    assert len(message) < 200
    assert refusal(",".join(names) + f"\n{row}\n", "zzz").endswith(
        "marker0, marker1, marker2, marker3, marker4, ..."
    )
