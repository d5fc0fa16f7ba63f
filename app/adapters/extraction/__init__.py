"""Files that nobody vouches for, read in a confined process of their own.

`extractor` is the port; it hands files to `child` processes, which read them by the table in `formats`. `whole` is the
port of files that are read for a conversation alone: as they stand where they are text, of any size.

Reasons a file is refused for, which stay what they are:
- before it is read: unknown_format, empty, too_large, wrong_format (the content is not what the ending says);
- its encoding: wrong_encoding, binary;
- its size inside: too_much_text, too_many_documents, too_many_sections, too_many_pages, too_many_columns,
  too_many_entries, too_large_inside (memory, or an archive or a stream that grows too far), too_deep, too_slow;
- what it holds: encrypted, nested_archive, unsafe_name, unsafe_xml, front_matter, no_columns, no_such_column,
  ragged_rows, duplicate_id, no_text, unreadable (damaged);
- what a file read as a whole would do when opened: active_content, unsafe_cells.
"""
