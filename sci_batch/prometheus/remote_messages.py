"""The messages of Prometheus' remote read (`prompb/remote.proto` and `types.proto`), as far as used here.

Described here rather than by generated code, which would tie us to one release of the protobuf run time.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_KINDS = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "enum": FieldDescriptorProto.TYPE_INT32,  # on the wire they are the same, and an unknown number is kept
}
_MESSAGES: dict[str, list[tuple[int, str, str]]] = {
    "ReadRequest": [(1, "Query*", "queries"), (2, "enum*", "accepted_response_types")],
    "Query": [
        (1, "int64", "start_timestamp_ms"), (2, "int64", "end_timestamp_ms"),
        (3, "LabelMatcher*", "matchers"),
    ],
    "LabelMatcher": [(1, "enum", "type"), (2, "string", "name"), (3, "string", "value")],
    "ChunkedReadResponse": [(1, "ChunkedSeries*", "chunked_series")],
    "ChunkedSeries": [(1, "bytes*", "labels"), (2, "Chunk*", "chunks")],  # as they came: `Label` reads them
    "Label": [(1, "string", "name"), (2, "string", "value")],
    "Chunk": [
        (1, "int64", "min_time_ms"), (2, "int64", "max_time_ms"), (3, "enum", "type"), (4, "bytes", "data"),
    ],
}  # fmt: skip
"""Number, type (`*`: repeated) and name of each field."""


@cache
def message(name: str) -> Any:
    """The class of a message."""
    return GetMessageClass(_pool().FindMessageTypeByName(f"prometheus.{name}"))


@cache
def _pool() -> DescriptorPool:
    file = FileDescriptorProto(name="remote.proto", package="prometheus", syntax="proto3")
    for name, fields in _MESSAGES.items():
        kind = file.message_type.add(name=name)
        for number, written, field_name in fields:
            field = kind.field.add(number=number, name=field_name)
            many, word = written.endswith("*"), written.rstrip("*")
            field.label = FieldDescriptorProto.LABEL_REPEATED if many else FieldDescriptorProto.LABEL_OPTIONAL
            if word in _KINDS:
                field.type = _KINDS[word]
            else:
                field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".prometheus.{word}"
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool
