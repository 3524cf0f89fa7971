"""The files of a layer's map: tiles, values, names and a picture, addressed by their content."""

from tasks.core.pages.maps.assets import keep_assets
from tasks.core.pages.maps.drawing import draw, draw_all
from tasks.core.pages.maps.layers import ShownLayer, shown

__all__ = ["ShownLayer", "draw", "draw_all", "keep_assets", "shown"]
