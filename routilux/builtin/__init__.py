"""Ready routines: configure them instead of writing them."""

from .aggregator import Aggregator
from .batcher import Batcher
from .conditional_router import ConditionalRouter
from .data_flattener import DataFlattener
from .data_transformer import DataTransformer
from .data_validator import DataValidator
from .debouncer import Debouncer
from .filter import Filter
from .mapper import Mapper
from .rate_limiter import RateLimiter
from .result_extractor import ResultExtractor
from .retry_handler import RetryHandler
from .splitter import Splitter
from .text_clipper import TextClipper
from .text_renderer import TextRenderer
from .throttle import Throttle
from .time_provider import TimeProvider

__all__ = [
    "Aggregator",
    "Batcher",
    "ConditionalRouter",
    "DataFlattener",
    "DataTransformer",
    "DataValidator",
    "Debouncer",
    "Filter",
    "Mapper",
    "RateLimiter",
    "ResultExtractor",
    "RetryHandler",
    "Splitter",
    "TextClipper",
    "TextRenderer",
    "Throttle",
    "TimeProvider",
]
