"""Documents as staff upload them, made by hand: PDF and Word, whole, encrypted, damaged or hostile."""

import io
import zipfile
import zlib

from docx import Document

_AFII = {char: f"afii{10017 + i + (i > 5)}" for i, char in enumerate("АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ")}
_AFII |= {char: f"afii{10065 + i + (i > 5)}" for i, char in enumerate("абвгдежзийклмнопрстуфхцчшщъыьэюя")}
_AFII |= {"Ё": "afii10023", "ё": "afii10071"}
_CODE = {char: 128 + i for i, char in enumerate(_AFII)}


def make_pdf(*pages, encrypted=False):
    """A PDF; a page is a list of (text, size, bold) from its top to its bottom, None for a gap."""
    differences = " ".join(f"/{name}" for name in _AFII.values())
    encoding = f"<< /Type /Encoding /BaseEncoding /WinAnsiEncoding /Differences [128 {differences}] >>"
    fonts = [
        f"<< /Type /Font /Subtype /TrueType /BaseFont /{name} /Encoding {encoding} /FirstChar 0 /LastChar 255 "
        f"/Widths [{'520 ' * 256}] /FontDescriptor << /Type /FontDescriptor /FontName /{name} /Flags 32 /Ascent 800 "
        "/Descent -200 /FontBBox [0 -200 600 800] /ItalicAngle 0 >> >>"
        for name in ("Sans", "Sans-Bold")
    ]
    count = len(pages)
    kids = " ".join(f"{5 + 2 * i} 0 R" for i in range(count))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {count} >>", *fonts]
    for number, page in enumerate(pages):
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources "
            f"<< /Font << /F0 3 0 R /F1 4 0 R >> >> /Contents {6 + 2 * number} 0 R >>"
        )
        objects.append(_stream(page))
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + (body if isinstance(body, bytes) else body.encode()) + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    secret = f"/Encrypt << /Filter /Standard /V 1 /R 2 /O <{'41' * 32}> /U <{'42' * 32}> /P -44 >> /ID [<00> <00>]"
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {secret if encrypted else ''} >>\n".encode()
    return bytes(out + f"startxref\n{start}\n%%EOF\n".encode())


def _stream(page):
    y, drawn = 800.0, []
    for item in page:
        if item is None:
            y -= 24
            continue
        text, size, bold = item
        y -= size * 1.2
        codes = "".join(f"{_CODE.get(char, ord(char) if ord(char) < 128 else 63):02x}" for char in text)
        drawn.append(f"BT /F{int(bold)} {size} Tf 60 {y:.1f} Td <{codes}> Tj ET")
    packed = zlib.compress("\n".join(drawn).encode())
    return f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode() + packed + b"\nendstream"


def make_docx(*blocks):
    """A Word document; a block is (style, text), or a list of rows."""
    opened = Document()
    for block in blocks:
        if isinstance(block, list):
            table = opened.add_table(rows=0, cols=len(block[0]))
            for row in block:
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = text
        else:
            style, text = block
            opened.add_paragraph(text, style=style)
    out = io.BytesIO()
    opened.save(out)
    return out.getvalue()


def make_bomb(megabytes=220):
    """A Word document whose text unpacks to hundreds of megabytes."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(make_docx(("Normal", "x")))) as whole,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for entry in whole.namelist():
            if entry != "word/document.xml":
                bomb.writestr(entry, whole.read(entry))
        with bomb.open("word/document.xml", "w") as text:
            for _ in range(megabytes):
                text.write(b" " * (1 << 20))
    return out.getvalue()
