"""Print the commands of the README's first block of shell code, one per line."""

import re
import sys
from pathlib import Path

text = Path(sys.argv[1]).read_text(encoding="utf-8")
block = re.search(r"^```(?:sh|bash|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
if block is None:
    sys.exit(f"{sys.argv[1]} has no block of shell code")
print(block[1].strip())
