"""How the site is built: `python -m sphinx -W -b html docs docs/_build/html`.

What is generated stands in folders that git ignores: `losses/`, `api/`, `gallery/`, `_build/`.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]


import keras_losskit  # noqa: E402

project = "keras_losskit"
copyright = "the keras_losskit developers, Apache License 2.0"
version = release = keras_losskit.__version__

extensions = [
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "kitdocs",
]
exclude_patterns = ["_build", "_ext"]
html_math_renderer = "svg"

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_context = {"default_mode": "auto"}
html_theme = "pydata_sphinx_theme"
html_title = "keras_losskit"
html_static_path = ["_static"]
html_css_files = ["kit.css"]
html_js_files = ["filter.js"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": [], "choose": [], "benchmarks": [], "changelog": [], "contributing": []}
html_theme_options = {
    "logo": {"text": "keras_losskit"},
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
