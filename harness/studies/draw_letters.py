"""Draws the letters A to Z of free fonts: `python3 harness/studies/draw_letters.py FOLDER`.

It fetches the packages below from Debian (trixie) into FOLDER, and writes harness/letters/letters.idx3-ubyte.gz and letters.md. It needs
`apt-get install python3-pil python3-fonttools`. The committed file was drawn once, and no test runs this: other versions of the packages or of
FreeType draw other bytes.

A font is used only if its own name table and the copyright file of its package say the same licence, one of LICENCES, and names a copyright; of a family, one face for
each of STYLES. A letter is left out where the font has no glyph for it, or where the glyph looks like .notdef or like another letter.
"""
import glob
import gzip
import hashlib
import os
import re
import subprocess
import sys

from fontTools.ttLib import TTFont
from PIL import Image, ImageChops, ImageDraw, ImageFont

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
LETTERS = os.path.join(ROOT, 'harness', 'letters')
NAMES = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
PACKAGES = [
    'fonts-' + name
    for name in """
    adobe-sourcesans3 anonymous-pro atkinson-hyperlegible-ttf averia-sans-gwf averia-serif-gwf b612 bebas-neue bwht cabin cabinsketch cantarell
    cardo cascadia-code cherrybomb chomsky clear-sans comfortaa comic-neue compagnon courier-prime crosextra-caladea crosextra-carlito
    dancingscript dosis ebgaramond elstob fantasque-sans firacode gfs-artemisia gfs-baskerville gfs-bodoni-classic gfs-didot gfs-neohellenic
    gnutypewriter hermit inter junction junicode jura karla kaushanscript kode-mono lato league-mono leckerli-one
    lemonada liberation linuxlibertine lobster lobstertwo montserrat noto-mono okolaks open-sans play quattrocento quicksand radisnoir roboto-slab
    roboto-unhinted sil-andika sil-charis sil-gentium-basic sn-pro sora vollkorn yanone-kaffeesatz yrsa-rasa
    """.split()
]
# What a font's name table says, and what its package's copyright file says.
LICENCES = {
    'OFL 1.1': (
        r'Open Font License|\bOFL\b|scripts\.sil\.org',
        r'OFL-1\.1|Open Font License,? *\(?v?(ersion)? ?1\.1',
    ),
    'Apache 2.0': (r'Apache License', r'Apache-2|Apache License,? Version 2'),
    'UFL 1.0': (r'Ubuntu Font Licen[cs]e', r'Ubuntu Font Licen[cs]e|UFL-1\.0'),
}
STYLES = {
    'regular': ['Regular', 'Book', 'Roman', 'Normal', 'Medium', ''],
    'bold': ['Bold', 'Black', 'Heavy', 'ExtraBold', 'SemiBold'],
    'italic': ['Italic', 'Oblique', 'Book Italic', 'Regular Italic'],
}
SIDE = 28
# A capital H is CAPITAL pixels high, and no letter is higher or wider than MOST pixels.
CAPITAL = 19
MOST = 23
# The letter is drawn this much larger first; a pixel is the mean over SCALE x SCALE.
SCALE = 8
# Grey values, so that the file packs well.
LEVELS = 16
# Draws letters on keys.
EXCLUDED = ['LinBiolinum_K.otf']
# A family is held out from training if the first byte of its name's SHA-256 is below this.
HELD_OUT_BELOW = 26


def fetch(folder):
    """Unpacks the packages; returns [(package, version, folder)]."""
    os.makedirs(folder, exist_ok=True)
    wanted = [p for p in PACKAGES if not glob.glob(f'{folder}/{p}_*.deb')]
    if wanted:
        subprocess.run(['apt-get', 'download', *wanted], cwd=folder, check=True)
    found = []
    for package in PACKAGES:
        [deb] = glob.glob(f'{folder}/{package}_*.deb')
        target = os.path.join(folder, package)
        if not os.path.isdir(target):
            subprocess.run(['dpkg-deb', '-x', deb, target], check=True)
        found.append((package, os.path.basename(deb).split('_')[1].replace('%3a', ':'), target))
    return found


def licence_of(names, copyright):
    for licence, (of_font, of_package) in LICENCES.items():
        if re.search(of_font, names, re.I) and re.search(of_package, copyright, re.I):
            return licence
    return None


def fonts_of(package, version, folder):
    """The faces to draw: of each family the first that there is of each style."""
    with open(f'{folder}/usr/share/doc/{package}/copyright', errors='replace') as file:
        copyright = file.read()
    faces = {}
    paths = [path for path in glob.glob(f'{folder}/**/*', recursive=True) if path.lower().endswith(('.ttf', '.otf'))]
    for path in sorted(paths):
        if os.path.islink(path):
            continue
        with TTFont(path, lazy=True) as font:
            name = lambda *ids: next((n for n in map(font['name'].getDebugName, ids) if n), '')
            licence = licence_of(' '.join(name(i) for i in (0, 13, 14)), copyright)
            family, style = name(16, 1), name(17, 2)
            about = dict(
                path=path,
                file=os.path.basename(path),
                package=f'{package} {version}',
                version=re.sub(r'^Version ', '', name(5).split(';')[0]),
                licence=licence,
                copyright=re.sub(r'\s+', ' ', name(0)).strip(),
            )
        if licence and about['file'] not in EXCLUDED:
            faces.setdefault((family, style), about)
    families = sorted({family for family, _ in faces})
    for family in families:
        for styles in STYLES.values():
            face = next((faces[family, style] for style in styles if (family, style) in faces), None)
            if face:
                yield {**face, 'family': family}


def draw(font, text, size):
    """Ink on 0, cut to its box; None where there is none."""
    image = Image.new('L', (6 * size, 6 * size))
    ImageDraw.Draw(image).text((2 * size, 2 * size), text, 255, font)
    box = image.getbbox()
    return image.crop(box) if box else None


def letters_of(path):
    """{letter: bytes} of the letters that the font has."""
    with TTFont(path, lazy=True) as font:
        cmap = font.getBestCmap()
    size = 256
    loaded = ImageFont.truetype(path, size)
    large = {name: draw(loaded, name, size) for name in NAMES if ord(name) in cmap}
    # A character of no font: what is drawn is .notdef.
    large['missing'] = draw(loaded, '\U0010fffe', size)
    large = {name: image for name, image in large.items() if image}
    if 'H' not in large:
        return {}
    capital = large['H'].height
    kept = {}
    for name, image in large.items():
        alike = [
            other
            for other, drawn in large.items()
            if other != name and drawn.size == image.size and not ImageChops.difference(drawn, image).getbbox()
        ]
        if name != 'missing' and not alike:
            kept[name] = small(image, capital)
    return kept


def small(image, capital):
    """SIDE x SIDE bytes, the letter's box in the middle."""
    factor = min(CAPITAL / capital, MOST / image.height, MOST / image.width) * SCALE
    size = [max(1, round(factor * length)) for length in image.size]
    paper = Image.new('L', (SIDE * SCALE, SIDE * SCALE))
    paper.paste(image.resize(size, Image.LANCZOS), [(SIDE * SCALE - length) // 2 for length in size])
    step = 255 // (LEVELS - 1)
    return bytes(step * round(value / step) for value in paper.reduce(SCALE).tobytes())


def main(folder):
    fonts = [face for package in fetch(folder) for face in fonts_of(*package)]
    drawn, seen = [], set()
    for font in fonts:
        letters = letters_of(font['path'])
        pixels = b''.join(letters.get(name, bytes(SIDE * SIDE)) for name in NAMES)
        # Some packages have the same outlines under two names.
        if not letters or pixels in seen:
            continue
        seen.add(pixels)
        with open(font['path'], 'rb') as file:
            sha256 = hashlib.sha256(file.read()).hexdigest()
        held = hashlib.sha256(font['family'].encode()).digest()[0] < HELD_OUT_BELOW
        missing = ''.join(name for name in NAMES if name not in letters)
        drawn.append({**font, 'pixels': pixels, 'missing': missing, 'sha256': sha256, 'held': held})
    # Held-out fonts are the last.
    drawn.sort(key=lambda font: (font['held'], font['family'], font['file']))
    count = len(drawn) * len(NAMES)
    header = b''.join(n.to_bytes(4, 'big') for n in (0x803, count, SIDE, SIDE))
    data = header + b''.join(font['pixels'] for font in drawn)
    packed = gzip.compress(data, 9, mtime=0)
    with open(f'{LETTERS}/letters.idx3-ubyte.gz', 'wb') as file:
        file.write(packed)
    held = sum(font['held'] for font in drawn)
    absent = sum(len(font['missing']) for font in drawn)
    print(f'{len(drawn)} fonts, {held} held out; {count - absent} letters, {absent} left out; {len(packed)} bytes')
    with open(f'{LETTERS}/letters.md', 'w') as file:
        file.write(description(drawn, hashlib.sha256(data).hexdigest(), absent))


def description(drawn, sha256, absent):
    held = sum(font['held'] for font in drawn)
    left_out = 'No letter had to be left out' if absent == 0 else f'{absent} letters are left out'
    cell = lambda text: text.replace('|', '\\|')
    rows = [
        f"| {cell(f['file'])} | {f['package']} | {cell(f['version'])} | {f['licence']} | {cell(f['copyright'])} | {f['missing']} | {f['sha256']} |"
        for f in drawn
    ]
    return f'''# Letters

`letters.idx3-ubyte.gz` has the letters A to Z of {len(drawn)} fonts as grey pictures of {SIDE} x {SIDE}, 255 for ink, in {LEVELS} shades: an IDX file, packed with gzip,
of {len(NAMES)} pictures a font, in the order of the table. A picture without ink stands for a letter that is left out: one that the font has no
glyph for, or whose glyph looks like .notdef or like another letter. {left_out}. The last {held} fonts are of held-out families, those
whose name's SHA-256 begins with a byte below {HELD_OUT_BELOW}. SHA-256 of the unpacked file: `{sha256}`.

Each font comes from a package of Debian 13. Its own name table and its package's copyright file both say its licence: the
[SIL Open Font License 1.1](https://openfontlicense.org), which sets no terms for pictures made with a font, or the [Apache License
2.0](https://www.apache.org/licenses/LICENSE-2.0). `harness/studies/draw_letters.py` drew the letters and wrote this file.

| font | package | version | licence | copyright, as the font has it | left out | SHA-256 of the font |
|---|---|---|---|---|---|---|
''' + '\n'.join(rows) + '\n'


if __name__ == '__main__':
    main(sys.argv[1])
