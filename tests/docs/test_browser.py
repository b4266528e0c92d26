"""Ten pages in Chromium, on a desktop and on a phone: nothing to complain of in the console,
nothing to scroll sideways; light and dark; searched."""

import shutil

import pytest

PAGES = (
    "index", "choose", "losses", "losses/Dice", "losses/Barron", "losses/BiTempered",
    "losses/SupervisedContrastive", "migration", "guide/training", "benchmarks", "api",
)

# What a newcomer asks, the words of the link on the first page, and what the section that it leads
# to names: there the answer stands, or a link to the loss's own page.
ANSWERS = {
    "small objects in 3-D volumes": ("Choose: a map", ["FocalTversky", "GeneralizedDice"]),
    "half of my labels are missing": ("missing labels", ['missing="nan"', "missing=-1"]),
    "my classes are 1:1000": ("Choose: one of C classes", ["1:1000", "LogitAdjustedCrossentropy"]),
    "I come from MONAI's DiceCELoss": ("Migration: MONAI", ["DiceCELoss"]),
    "the KL term in the progress bar": ("Training: inner tensors", ["AddLoss", "AddedLossLogger"]),
    "which loss for counts": ("Choose: a count", ["Poisson", "NegativeBinomialNLL"]),
    "why is my loss NaN": ("Looking: NaN", ["check_loss", "TerminateOnNonFiniteTerm"]),
    "does it run on JAX": ("Install", ["KERAS_BACKEND", "jax"]),
    "how fast is it": ("Benchmarks", ["faster", "level", "slower"]),
    "how do I add my own": ("Writing your own", ["kl.Loss", "call"]),
}
# The text of a section, or of a heading and of what follows up to the next one.
TEXT_UNDER = """heading => {
    let text = heading.innerText, next = heading.nextElementSibling
    for (; next && !next.matches(".rubric, section"); next = next.nextElementSibling)
        text += next.innerText
    return text
}"""


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "Chromium is not installed: apt-get install chromium"
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.mark.parametrize("colours", ("light", "dark"))
@pytest.mark.parametrize("width", (1280, 390), ids=("desktop", "phone"))
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_quietly_and_fits(browser, site, name, width, colours):
    context = browser.new_context(
        viewport={"width": width, "height": 850}, color_scheme=colours
    )
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(request.url))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / f"{name}.html").as_uri())
    page.wait_for_load_state("load")
    assert said == []
    assert [u for u in asked if not u.startswith(("file:", "data:"))] == []
    room = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert room[0] <= room[1]
    assert page.evaluate("document.documentElement.dataset.theme") == colours
    context.close()


def test_the_rows_of_the_migration_page_are_searched(browser, site):
    page = browser.new_page()
    page.goto((site / "migration.html").as_uri())
    page.fill("input.table-filter", "monai dice")
    shown = page.locator("tbody tr:visible")
    assert 0 < shown.count() < 40
    assert all("dice" in text.lower() for text in shown.all_inner_texts())
    page.close()


def test_the_site_is_searched_without_a_server(browser, site):
    page = browser.new_page()
    page.goto((site / "search.html").as_uri() + "?q=DiceCELoss")
    page.wait_for_selector("#search-results li a", timeout=20000)
    found = page.locator("#search-results li a").all_inner_texts()
    assert any("elsewhere" in text for text in found), found
    page.close()


@pytest.mark.parametrize("asked", ANSWERS)
def test_a_newcomers_question_is_answered_one_click_from_the_first_page(browser, site, asked):
    words, names = ANSWERS[asked]
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    page.locator("article table a", has_text=words).first.click()
    page.wait_for_load_state("load")
    anchor = page.evaluate("decodeURIComponent(location.hash.slice(1))")
    assert page.url.split("#")[0] != (site / "index.html").as_uri()
    section = page.locator(f'[id="{anchor}"]' if anchor else "article")
    section.scroll_into_view_if_needed()
    said = section.evaluate(TEXT_UNDER)
    for name in names:
        assert name in said, said[:500]
    page.close()
