from typing import Final, List, Optional, Tuple

__all__ = ["CONTRACT_VERSION", "MAX_DOCUMENT_BYTES", "judge"]

CONTRACT_VERSION: Final[str]
MAX_DOCUMENT_BYTES: Final[int]

def judge(document: bytes, /) -> Tuple[Optional[str], List[Tuple[str, str, str]], bool]: ...
