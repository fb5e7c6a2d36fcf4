"""`specflow report` on real runs: what each page tells, and that it loads nothing and runs nothing."""

import base64
import json
import re
import signal
import struct
import zlib
from pathlib import Path

from specflow.report.page import POLICY
from tests.local.conftest import send, wait_for
from tests.report.conftest import Page, ReportProject

HOSTILE = "<script>alert(1)</script>"


def png() -> bytes:
    """Return a picture of one red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


#      data.csv ──> measure[k=1] ──┐
#                   measure[k=2] ──┴─> (outputs)     draw ─> picture, folder
SUCCEEDS = """
measure:
  matrix: {k: [1, 2]}
  inputs: {table: "${{ inputs.table }}", k: "${{ matrix.k }}"}
  uses: measure
draw:
  uses: draw
"""
MEASURE = """\
specflow: 1
name: measure
inputs: {table: {type: file, format: csv}, k: {type: integer}}
outputs: {scores: {type: metrics}, text: {type: string}}
run: python measure.py ${{ inputs.table }} ${{ inputs.k }} ${{ outputs.scores }} ${{ outputs.text }}
"""
DRAW = """\
specflow: 1
name: draw
outputs: {picture: {type: file, format: png}, parts: {type: folder}, facts: {type: file, format: json}}
run: python draw.py ${{ outputs.picture }} ${{ outputs.parts }} ${{ outputs.facts }}
"""
MORE = """\
version: 2.1.0
description: "Measures & draws <b>things</b>."
inputs:
  table: {type: file, format: csv, default: data.csv}
outputs:
  picture: {from: "${{ steps.draw.outputs.picture }}"}
  parts: {from: "${{ steps.draw.outputs.parts }}"}
  facts: {from: "${{ steps.draw.outputs.facts }}"}
  texts: {from: "${{ steps.measure.outputs.text }}"}
"""


def prepared(project: ReportProject) -> None:
    rows = "".join(f"{i},{i * i}\n" for i in range(30))
    project.write("data.csv", f"name <i>,square\n{rows}")
    project.write("measure/step.yaml", MEASURE)
    project.write(
        "measure/measure.py",
        """\
        import json, sys
        _, table, k, scores, text = sys.argv
        json.dump({"error": -1.25 * int(k), "rows": 30}, open(scores, "w"))
        open(text, "w").write("<script>alert(1)</script>" * int(k))
        """,
    )
    project.write("draw/step.yaml", DRAW)
    project.write(
        "draw/draw.py",
        f"""\
        import base64, json, sys
        open(sys.argv[1], "wb").write(base64.b64decode({base64.b64encode(png()).decode()!r}))
        for i in range(60):
            open(f"{{sys.argv[2]}}/part-{{i:02}}.txt", "w").write("x" * i)
        json.dump([{{"city": "<Bonn>", "n": 1}}, {{"city": "Köln", "n": 2}}], open(sys.argv[3], "w"))
        """,
    )
    project.pipeline(SUCCEEDS, MORE)


def assert_is_closed(page: Page) -> None:
    """Assert that a page can load nothing and run nothing, and that its browser is told so."""
    assert {"script", "iframe", "object", "embed", "link", "base", "form"} & page.tags() == set()
    policies = [attrs["content"] for _, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert [POLICY] == policies
    assert all(ref.startswith(("#", "data:image/")) for ref in page.references()), page.references()
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]


def test_a_run_that_succeeded_is_told_with_what_went_in_and_came_out(project: ReportProject) -> None:
    prepared(project)
    run = project.run()
    assert "succeeded" == run["state"], run["stderr"]

    page = project.report()

    assert_is_closed(page)
    for told in (
        "p 2.1.0",
        run["run"],
        "Measures & draws <b>things</b>.",
        "measure[k=1]",
        "there was no earlier result",
    ):
        assert told in page.text
    assert "Shown" not in page.text
    assert "-1.25" in page.text
    assert "-2.5" in page.text
    assert "name <i>" in page.text
    assert "the first 10 of 30 rows" in page.text
    assert "<Bonn>" in page.text
    assert "60 files, 1.8 kB, the first 50 shown" in page.text
    assert "python 3." in page.text
    pictures = [attrs["src"] or "" for tag, attrs in page.elements if tag == "img"]
    assert [f"data:image/png;base64,{base64.b64encode(png()).decode()}"] == pictures
    assert str(project.folder) not in page.source
    assert HOSTILE not in page.source
    assert HOSTILE in page.text


def test_bars_of_a_metric_start_at_zero_and_go_left_of_it_below(project: ReportProject) -> None:
    prepared(project)
    project.run()

    source = project.report().source

    negative = re.findall(r'class="value below" style="left:([\d.]+)%;width:([\d.]+)%"', source)
    assert [("50.00", "50.00"), ("0.00", "100.00")] == negative
    positive = re.findall(r'class="value" style="left:([\d.]+)%;width:([\d.]+)%"', source)
    assert [("0.00", "100.00")] * 2 == positive


def test_a_second_run_shows_ticks_for_what_was_there_already(project: ReportProject) -> None:
    prepared(project)
    first = project.run()
    project.run()

    page = project.report()

    assert 3 == page.source.count('class="tick is-cached"')
    assert "3 ≡ cached" in page.text
    assert f"made in run {first['run']}" in page.text


def test_what_changed_is_told_as_why_tells_it(project: ReportProject) -> None:
    prepared(project)
    project.run()
    project.write("data.csv", "a,b\n1,2\n")
    project.run()

    page = project.report()

    assert 'the input "table": the content of data.csv changed' in page.text


def test_results_that_were_cleaned_away_are_said_to_be_gone(project: ReportProject) -> None:
    prepared(project)
    project.run()
    for picture in project.folder.glob(".specflow/results/*/*/outputs/picture.png"):
        picture.parent.chmod(0o755)
        picture.unlink()

    page = project.report()

    assert "gone: it was cleaned away" in page.text
    assert "img" not in page.tags()


def failing(project: ReportProject) -> None:
    project.write(
        "part/bad.py",
        """\
        import sys
        print("\\x1b[31mred\\x1b[0m and \\x1b]8;;http://evil.example\\x07linked\\x1b]8;;\\x07")
        print("</pre><script>alert(1)</script>", "\\u202e", "x" * 5000)
        print(f"attempt over")
        sys.exit(3)
        """,
    )
    project.pipeline(
        """
        bad:
          code: part
          run: python bad.py
          retry: {attempts: 2}
        behind:
          run: python -c pass
          after: [bad]
        """
    )


def test_a_log_of_what_failed_is_shown_and_does_nothing(project: ReportProject) -> None:
    failing(project)
    assert 1 == project.run()["exit"]

    page = project.report("latest")

    assert_is_closed(page)
    assert "exit code 3" in page.text
    assert "upstream failed" in page.text
    assert "attempt 2 of 2: the end of its log" in page.text
    assert "attempt 1 of 2: the end of its log" in page.text
    assert "red and linked" in page.text
    assert "evil.example" not in page.source
    assert "</pre><script>alert(1)</script> \\u202e xxx" in page.text
    assert "x" * 601 not in page.source
    assert "\x1b" not in page.source


def test_a_run_that_lasts_and_one_that_was_cancelled_are_told_as_they_are(project: ReportProject) -> None:
    project.write(
        "part/wait.py", f"open({str(project.folder / 'began')!r}, 'w').close()\nimport time\ntime.sleep(60)\n"
    )
    project.pipeline("wait: {code: part, run: python wait.py}\nlater: {run: python -c pass, after: [wait]}\n")
    process = project.start("run", "p.yaml")
    wait_for(project.folder / "began")

    lasting = project.report()
    send(process, signal.SIGINT)
    process.communicate(timeout=60)
    ended = project.report()

    assert_is_closed(lasting)
    assert "p ▶ running" in lasting.text
    assert "1 · not started" in lasting.text
    assert 'class="bar is-running"' in lasting.source
    assert "p ■ cancelled" in ended.text
    assert "2 ■ cancelled" in ended.text


def test_a_run_whose_process_was_killed_is_told_as_interrupted(project: ReportProject) -> None:
    began = project.folder / "began"
    project.write("part/wait.py", f"open({str(began)!r}, 'w').close()\nimport time\ntime.sleep(60)\n")
    project.pipeline("wait: {code: part, run: python wait.py}\n")
    process = project.start("run", "p.yaml")
    wait_for(began)
    process.kill()
    process.communicate(timeout=60)

    page = project.report()

    assert "p ■ interrupted" in page.text
    assert "wait ■ interrupted" in page.text


def test_a_run_of_a_thousand_steps_stays_a_page(project: ReportProject) -> None:
    numbers = json.dumps(list(range(999)))
    project.pipeline(f"one:\n  matrix: {{k: {numbers}}}\n  run: 'true ${{{{ matrix.k }}}}'\nlast:\n  run: 'false'\n")
    project.run()

    page = project.report()

    assert_is_closed(page)
    assert len(page.source) < 1_500_000
    assert "300 of 1,000 steps are shown, what went wrong first. Left out: 700 succeeded." in page.text
    assert page.text.index("last ✗ failed local") < page.text.index("one[k=0]")


def test_the_page_goes_by_default_where_the_user_stands(project: ReportProject) -> None:
    prepared(project)
    run = project.run()

    done = project.call("report", run["run"][-6:])

    assert f"p-{run['run']}.html\n" == done.stdout
    assert (project.folder / f"p-{run['run']}.html").is_file()


def test_a_place_that_cannot_be_written_is_refused(project: ReportProject, tmp_path: Path) -> None:
    prepared(project)
    project.run()

    done = project.call("report", "-o", "nowhere/page.html")

    assert 2 == done.returncode
    assert 'error: can\'t write "nowhere/page.html": No such file or directory' in done.stderr
