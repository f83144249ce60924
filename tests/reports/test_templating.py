"""Is what strangers say harmless in every template, and is a forgotten name an error?"""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from reports.templating import template


def test_a_template_for_html_escapes_and_one_for_text_takes_clean_lines() -> None:
    html, text = template("mail.html"), template("mail.txt")
    loud = "<b>\x1b[31mBcc: x\r\n"
    assert html.environment.from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"
    assert text.environment.from_string("{{ x }}").render(x=loud) == "<b>Bcc: x"


@pytest.mark.parametrize("name", ["mail.html", "mail.txt", "page.html"])
def test_a_name_that_nobody_fills_in_is_an_error(name: str) -> None:
    with pytest.raises(UndefinedError):
        template(name).render()
