"""QR codes: of a pick-up code on its page, and of a link as a picture."""

import segno


def qr_drawing(text: str, *, is_file: bool = False) -> str:
    """An SVG as large as its place: within a page, or a file of its own."""
    code = segno.make(text, micro=False, error="m")
    drawing: str = code.svg_inline(omitsize=True, border=2, svgclass="qr", lineclass=None)
    return drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) if is_file else drawing
