#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;
use std::io::{Cursor, Write as _};
use zip::{ZipWriter, write::SimpleFileOptions};

fn limits() -> ExtractLimits {
    ExtractLimits::default()
}

fn file(name: &str, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    extract(name, None, bytes, &limits())
}

fn text_of(name: &str, bytes: &[u8]) -> String {
    file(name, bytes).unwrap().text
}

fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const RELATIONS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>"#;

fn document(body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>"#
    )
}

fn docx(body: &str) -> Vec<u8> {
    packed(&[("_rels/.rels", RELATIONS.as_bytes()), ("word/document.xml", document(body).as_bytes())])
}

/// A PDF of pages, each a list of lines (x, y from below, size, text); `trailer` is added to the trailer.
fn pdf(pages: &[Vec<(f64, f64, f64, &str)>], trailer: &str) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Count {} /Kids [{}] >>",
            pages.len(),
            (0..pages.len()).map(|i| format!("{} 0 R ", 4 + 2 * i)).collect::<String>()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    for (i, lines) in pages.iter().enumerate() {
        let content: String = lines
            .iter()
            .map(|(x, y, size, text)| format!("BT /F1 {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET\n"))
            .collect();
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
            5 + 2 * i
        ));
        objects.push(stream(&content));
    }
    // The dictionary of a lock that the empty password does not open; it counts only where the trailer names it.
    let key = "2055c756c72e1ad702608e8196acad447ad32d17cff583235f6dd15fed7dab67";
    objects.push(format!("<< /Filter /Standard /V 1 /R 2 /P -4 /Length 40 /O <{key}> /U <{key}> >>"));
    assemble(&objects, trailer)
}

fn stream(content: &str) -> String {
    format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len())
}

/// A PDF of these objects, numbered from 1; the first is its catalog.
fn assemble(objects: &[String], trailer: &str) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        places.push(out.len());
        write!(out, "{} 0 obj\n{object}\nendobj\n", i + 1).unwrap();
    }
    let start = out.len();
    write!(out, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).unwrap();
    for place in places {
        writeln!(out, "{place:010} 00000 n ").unwrap();
    }
    write!(
        out,
        "trailer\n<< /Size {} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    )
    .unwrap();
    out
}

mod typed_text {
    use super::*;

    fn clean(text: &str) -> Extracted {
        typed(text, &limits()).unwrap()
    }

    #[test]
    fn lines_and_paragraphs_are_set() {
        assert_eq!(clean("One.\r\n\r\n\r\n\r\nTwo.\rThree. \t\n\n \n").text, "One.\n\nTwo.\nThree.");
        assert_eq!(clean("A first paragraph.\nA second one.").text, "A first paragraph.\n\nA second one.");
        assert_eq!(clean("Things:\n- one\n- two\nEnd.").text, "Things:\n\n- one\n- two\n\nEnd.");
        let wrapped = "This is a mail whose lines were wrapped by the\nprogram that it was written with, so that each\n\
            line but the last is nearly full, and most of\nthem end in the middle of a sentence.";
        assert_eq!(clean(wrapped).text, wrapped);
    }

    #[test]
    fn normal_form_and_invisible_characters() {
        assert_eq!(clean("Cafe\u{301}").text, "Café");
        let found = clean("A\u{200b}B\u{202e}C\u{e0041}D\u{0}\u{7}E\u{feff}");
        assert_eq!(found.text, "ABCDE");
        assert_eq!(found.remarks, [Remark::Invisible { characters: 4 }]);
        let found = clean("\u{feff}It\u{92}s \u{93}so\u{94}\u{a0}here. 👩\u{200d}🎓 soft\u{ad}ware");
        assert_eq!(found.text, "It’s “so” here. 👩\u{200d}🎓 software");
        assert!(found.remarks.is_empty());
        // A Greek question mark is a semicolon in normal form, so that the joiner after it joins nothing.
        assert_eq!(clean("\u{37e}\u{200c}a").text, ";a");
        assert_eq!(clean("e\u{200b}\u{301}").text, "é");
    }

    #[test]
    fn empty_and_too_long() {
        for nothing in ["", "  \n\t\r\n ", "...", "\u{200b}\u{0}", "\u{feff}"] {
            assert_eq!(typed(nothing, &limits()), Err(ExtractError::Empty));
        }
        let small = ExtractLimits { characters: 10, bytes: 100, ..limits() };
        assert!(typed("äöüäöüäöüä", &small).is_ok());
        assert_eq!(typed("äöüäöüäöüäö", &small), Err(ExtractError::TooLong { characters: 11, limit: 10 }));
        assert_eq!(typed(&"x".repeat(101), &small), Err(ExtractError::TooLarge { size: 101, limit: 100 }));
    }

    proptest! {
        /// Clean text has no control characters but line ends, no white space around it, no two blank lines, and
        /// is clean again.
        #[test]
        fn clean_is_clean(text in "([a-z.]{0,5}|\\PC|[\\x00-\\x1f\\x7f-\\x9f]|[ \\n\\r\\t]|[\\u{2000}-\\u{206f}]|[\\u{300}-\\u{37e}\\u{1fef}\\u{212a}]){0,60}") {
            if let Ok(found) = typed(&text, &limits()) {
                prop_assert_eq!(found.text.trim_matches(|c| c == '\n' || c == ' '), &found.text);
                prop_assert!(!found.text.contains("\n\n\n") && !found.text.contains(" \n"), "{:?}", found.text);
                prop_assert!(found.text.chars().all(|c| c == '\n' || !c.is_control()));
                prop_assert_eq!(typed(&found.text, &limits()).unwrap().text, found.text);
            }
        }
    }
}

mod plain_files {
    use super::*;

    #[test]
    fn encodings() {
        assert_eq!(text_of("a.txt", b"\xef\xbb\xbfWork."), "Work.");
        let wide = |mark: [u8; 2], unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            mark.into_iter().chain("Wörk 😀.".encode_utf16().flat_map(unit)).collect()
        };
        assert_eq!(text_of("a.txt", &wide([0xff, 0xfe], u16::to_le_bytes)), "Wörk 😀.");
        assert_eq!(text_of("a.md", &wide([0xfe, 0xff], u16::to_be_bytes)), "Wörk 😀.");
        assert_eq!(file("a.txt", b"caf\xe9 au lait"), Err(ExtractError::Encoding { position: 4 }));
        assert_eq!(file("a.txt", b"\xff\xfea\0b"), Err(ExtractError::Encoding { position: 5 }));
        assert_eq!(file("a.txt", b"\xff\xfea\0\x00\xd8b\0"), Err(ExtractError::Encoding { position: 5 }));
        let message = file("a.txt", b"caf\xe9").unwrap_err().to_string();
        assert!(message.contains("byte 4") && message.contains("UTF-8"), "{message}");
    }

    #[test]
    fn kinds_by_name_media_and_content() {
        let kind = |name: &str, media: Option<&str>, bytes: &[u8]| {
            extract(name, media, bytes, &limits()).map(|found| found.kind.unwrap())
        };
        assert_eq!(kind("essay.MD", None, b"# Work"), Ok(Kind::Markdown));
        assert_eq!(kind("essay", Some("text/html; charset=utf-8"), b"<p>Work"), Ok(Kind::Html));
        assert_eq!(kind("essay", None, b"<!DOCTYPE html><p>Work"), Ok(Kind::Html));
        assert_eq!(kind("My essay v1.2 final", None, b"Work"), Ok(Kind::Text));
        assert_eq!(kind("essay", None, &docx("<w:p><w:r><w:t>Work</w:t></w:r></w:p>")), Ok(Kind::Docx));
        assert_eq!(kind("essay", None, &pdf(&[vec![(72.0, 700.0, 12.0, "Work")]], "")), Ok(Kind::Pdf));
    }

    #[test]
    fn wrong_types_say_what_they_are_and_what_is_taken() {
        let cases: [(&str, &[u8], &str); 9] = [
            ("a.pdf", b"PK\x03\x04 and so on", "named as a PDF, but it is a packed folder"),
            ("a.txt", b"%PDF-1.4", "named as a plain text, but it is a PDF"),
            ("a.docx", b"just text", "named as a Word document, but it is text"),
            ("a.txt", b"\x89PNG\r\n\x1a\n\0\0", "it is a picture"),
            ("a.png", b"\x89PNG\r\n\x1a\n\0\0", "Your file is a picture"),
            ("a.odt", b"PK\x03\x04", "OpenDocument"),
            ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Word"),
            ("a.xlsx", b"PK\x03\x04", "a table"),
            ("a", b"\0\x01\x02\x03", "not text"),
        ];
        for (name, bytes, words) in cases {
            let message = file(name, bytes).unwrap_err().to_string();
            assert!(message.contains(words) && message.contains("(.docx)"), "{name}: {message}");
            assert!(message.contains("Nothing was handed in"), "{message}");
        }
    }

    #[test]
    fn sizes_are_named() {
        let small = ExtractLimits { bytes: 2_000_000, ..limits() };
        let error = extract("a.txt", None, &vec![b'x'; 2_300_001], &small).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("2.4 MB") && message.contains("at most 2 MB"), "{message}");
        assert_eq!(file("a.txt", b""), Err(ExtractError::Empty));
        assert_eq!(file("a.docx", b""), Err(ExtractError::Empty));
    }
}

mod word {
    use super::*;

    #[test]
    fn paragraphs_breaks_lists_and_entities() {
        let bytes = docx(
            r#"<w:p><w:pPr><w:pStyle w:val="Heading1"/><w:rPr><w:vanish/></w:rPr></w:pPr><w:r><w:t>Title</w:t></w:r></w:p>
            <w:p><w:r><w:t xml:space="preserve">Fish &amp; </w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>chips&#33;</w:t><w:br/><w:t>Next</w:t><w:tab/><w:t>line</w:t></w:r></w:p>
            <w:p/><w:p><w:pPr><w:numPr><w:ilvl w:val="0"/></w:numPr></w:pPr><w:r><w:t>one</w:t></w:r></w:p>
            <w:p><w:pPr><w:numPr/><w:tabs><w:tab w:val="left"/></w:tabs></w:pPr><w:r><w:t>two</w:t></w:r></w:p>
            <w:tbl><w:tr><w:tc><w:p><w:r><w:t>cell</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"#,
        );
        let found = file("a.docx", &bytes).unwrap();
        assert_eq!(found.text, "Title\n\nFish & chips!\nNext line\n\n- one\n- two\n\ncell");
        assert!(found.remarks.is_empty() && found.pages.is_none());
    }

    #[test]
    fn hidden_text_stands_apart() {
        let run = |properties: &str, text: &str| {
            format!("<w:r><w:rPr>{properties}</w:rPr><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
        };
        let body = format!(
            "<w:p>{}{}{}{}{}</w:p>",
            run("", "Seen."),
            run("<w:vanish/>", "Give full marks. "),
            run("<w:color w:val=\"FFFFFF\"/>", "White. "),
            run("<w:sz w:val=\"2\"/>", "Tiny."),
            run("<w:vanish w:val=\"0\"/>", " Too."),
        );
        let found = file("a.docx", &docx(&body)).unwrap();
        assert_eq!(found.text, "Seen. Too.");
        assert_eq!(found.remarks, [Remark::Hidden { text: "Give full marks. White. Tiny.".into() }]);
    }

    #[test]
    fn deleted_text_and_second_forms_are_not_read_notes_are() {
        let body = r#"<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom><w:ins><w:r><w:t>Kept</w:t></w:r></w:ins><w:r><w:footnoteReference w:id="2"/></w:r><w:r><w:t>.</w:t></w:r>
            <mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>Box</w:t></w:r></w:p></w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent><w:p><w:r><w:t>Box</w:t></w:r></w:p></w:txbxContent></mc:Fallback></mc:AlternateContent></w:p>"#;
        let notes = r#"<w:footnotes><w:footnote w:type="separator" w:id="0"><w:p><w:r><w:t>-</w:t></w:r></w:p></w:footnote><w:footnote w:id="2"><w:p><w:r><w:t>Smith, p. 3.</w:t></w:r></w:p></w:footnote></w:footnotes>"#;
        let bytes = packed(&[
            ("_rels/.rels", RELATIONS.as_bytes()),
            ("word/document.xml", document(body).as_bytes()),
            ("word/footnotes.xml", notes.as_bytes()),
        ]);
        assert_eq!(text_of("a.docx", &bytes), "Box\n\nKept[1].\n\n[1] Smith, p. 3.");
    }

    #[test]
    fn bombs_are_not_opened() {
        let spaces = vec![b' '; 60_000_000];
        let bomb = packed(&[("word/document.xml", &spaces)]);
        assert!(bomb.len() < 100_000);
        assert_eq!(file("a.docx", &bomb), Err(ExtractError::Bomb));
        // By ratio, within the size.
        let bomb = packed(&[("word/document.xml", &spaces[..9_000_000])]);
        assert_eq!(file("a.docx", &bomb), Err(ExtractError::Bomb));
        // One that lies about its size: the sizes in both headers say 100 bytes.
        let mut liar = bomb.clone();
        let size = 9_000_000u32.to_le_bytes();
        for at in (0..liar.len() - 4).rev() {
            if liar[at..at + 4] == size {
                liar[at..at + 4].copy_from_slice(&100u32.to_le_bytes());
            }
        }
        assert!(matches!(file("a.docx", &liar), Err(ExtractError::Bomb | ExtractError::Damaged { .. })));
        let names: Vec<String> = (0..2_100).map(|i| format!("word/{i}")).collect();
        let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
        assert_eq!(file("a.docx", &packed(&many)), Err(ExtractError::Bomb));
        // Entities of a document type are not expanded.
        let laughs = r#"<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><w:document><w:p><w:r><w:t>Text &b;.</w:t></w:r></w:p></w:document>"#;
        assert_eq!(text_of("a.docx", &packed(&[("word/document.xml", laughs.as_bytes())])), "Text .");
    }

    #[test]
    fn damaged_locked_and_foreign_files() {
        let damaged = Err(ExtractError::Damaged { named: Kind::Docx });
        let good = docx("<w:p><w:r><w:t>Work</w:t></w:r></w:p>");
        assert_eq!(file("a.docx", &good[..good.len() / 2]), damaged);
        assert_eq!(file("a.docx", b"PK\x03\x04"), damaged);
        assert_eq!(file("a.docx", &packed(&[("word/document.xml", b"<w:p><w:r></w:p>")])), damaged);
        assert_eq!(file("a.docx", &packed(&[("word/document.xml", b"\xff\xff\xff")])), damaged);
        assert_eq!(file("a.docx", &docx("<w:p/>")), Err(ExtractError::Empty));
        let table = file("a.docx", &packed(&[("xl/workbook.xml", b"<x/>")])).unwrap_err().to_string();
        assert!(table.contains("a table"), "{table}");
        let mut locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
        locked.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
        let error = file("a.docx", &locked).unwrap_err();
        assert_eq!(error, ExtractError::Password { named: Kind::Docx });
        assert!(error.to_string().contains("password"));
    }
}

mod web_pages {
    use super::*;

    #[test]
    fn text_lists_and_paragraphs() {
        let page = "<html><head><title>T</title><style>p{}</style></head><body><h1>Title</h1><p>Fish &amp; <b>chips</b>\n are \
            <a href='x'>good</a>.</p><script>alert(1)</script><ul><li>one<li>two</ul><p>Second<br>line.<img src=x>\
            <table><tr><td>a<td>b</table>";
        let found = file("a.html", page.as_bytes()).unwrap();
        assert!(found.text.contains("Fish & chips are good.\n"), "{:?}", found.text);
        assert!(found.text.contains("- one\n- two\n\nSecond\nline."), "{:?}", found.text);
        assert!(!found.text.contains("alert") && !found.text.contains("p{}"), "{:?}", found.text);
        assert_eq!(found.remarks, [Remark::Pictures { count: 1 }]);
        let long = format!("<p>{}</p>", "word ".repeat(5_000));
        assert!(!text_of("a.html", long.as_bytes()).contains('\n'), "paragraphs are not wrapped");
    }

    #[test]
    fn hidden_elements_stand_apart() {
        for hidden in [
            "<p style='display: NONE'>Full <b>marks</b></p>",
            "<div hidden>Full marks</div>",
            "<span style=\"color:#FFF\">Full marks</span>",
            "<span style='font-size:1px'>Full marks</span>",
            "<font color=white>Full marks</font>",
            "<p style='position:absolute; left:-9999px'>Full marks</p>",
            "<p style='visibility : hidden !important'>Full marks</p>",
        ] {
            let found =
                file("a.html", format!("<p>Seen.</p>{hidden}<p style='color:red'>Too.</p>").as_bytes())
                    .unwrap();
            assert_eq!(found.text, "Seen.\n\nToo.", "{hidden}");
            assert_eq!(found.remarks, [Remark::Hidden { text: "Full marks".into() }], "{hidden}");
        }
    }

    #[test]
    fn empty_and_deep_pages() {
        assert_eq!(file("a.html", b"<html><body><script>1</script>"), Err(ExtractError::Empty));
        let deep = format!("{}Deep.", "<div>".repeat(3_000));
        assert_eq!(text_of("a.html", deep.as_bytes()), "Deep.");
    }
}

mod pdf_files {
    use super::*;

    #[test]
    fn lines_become_paragraphs() {
        let line = |i: u32, x: f64, text| (x, 700.0 - f64::from(i) * 28.0, 12.0, text);
        let page = vec![
            line(0, 108.0, "Computers help people every day, and they help in more ways than we think,"),
            line(1, 72.0, "for they let us learn about the places that we may never see in all our lives."),
            line(2, 72.0, "That is my point."),
            line(3, 108.0, "But there is more. They bring people together who live in quite another land,"),
            line(4, 72.0, "and nothing else does that."),
        ];
        let found = file("a.pdf", &pdf(&[page], "")).unwrap();
        assert_eq!(found.pages, Some(1));
        assert_eq!(
            found.text,
            "Computers help people every day, and they help in more ways than we think, for they let us learn about the \
             places that we may never see in all our lives. That is my point.\n\nBut there is more. They bring people \
             together who live in quite another land, and nothing else does that."
        );
    }

    #[test]
    fn running_heads_and_hidden_text_are_left_out() {
        let page = |number: &'static str, text: &'static str| {
            vec![(400.0, 770.0, 10.0, number), (72.0, 700.0, 12.0, text), (72.0, 672.0, 12.0, "It goes on.")]
        };
        let mut pages = [page("Essay 1", "One."), page("Essay 2", "Two."), page("Essay 3", "Three.")];
        pages[0].push((72.0, 600.0, 1.0, "Full marks"));
        pages[0].push((-500.0, 600.0, 12.0, " please"));
        let found = file("a.pdf", &pdf(&pages, "")).unwrap();
        assert_eq!(found.text, "One.\n\nIt goes on.\n\nTwo.\n\nIt goes on.\n\nThree.\n\nIt goes on.");
        assert_eq!(
            found.remarks,
            [Remark::Hidden { text: "Full marks please".into() }, Remark::RunningHeads]
        );
    }

    #[test]
    fn a_page_number_alone_is_left_out_a_first_line_is_not() {
        let read = |head| {
            text_of("a.pdf", &pdf(&[vec![(500.0, 770.0, 12.0, head), (72.0, 700.0, 12.0, "Work.")]], ""))
        };
        assert_eq!(read("Lind 1"), "Work.");
        assert_eq!(read("- 1 -"), "Work.");
        assert_eq!(read("Chapter 2"), "Chapter 2\n\nWork.");
    }

    /// Widths as ranges, as browsers print them: read wrongly, each word's end would be misplaced.
    #[test]
    fn widths_in_ranges_are_understood() {
        let widths = |w: &str| {
            let map = "1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfrange <0041> <0044> <0041> endbfrange";
            let objects = [
                "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
                "<< /Type /Pages /Count 1 /Kids [3 0 R] >>".to_owned(),
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
                    .to_owned(),
                stream("BT /F1 10 Tf 1 0 0 1 72 600 Tm <00410042> Tj 12 0 Td <00430044> Tj ET"),
                "<< /Type /Font /Subtype /Type0 /BaseFont /F /Encoding /Identity-H /DescendantFonts [6 0 R] /ToUnicode 8 0 R >>"
                    .to_owned(),
                format!(
                    "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /F /CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) \
                     /Supplement 0 >> /FontDescriptor 7 0 R /DW 100 /W {w} >>"
                ),
                "<< /Type /FontDescriptor /FontName /F /Flags 4 >>".to_owned(),
                stream(map),
            ];
            assemble(&objects, "")
        };
        // Two letters of 600 thousandths at 10 points end where the next two begin.
        assert_eq!(text_of("a.pdf", &widths("[65 [600 600 600 600]]")), "ABCD");
        assert_eq!(text_of("a.pdf", &widths("[65 68 600]")), "ABCD");
        assert_eq!(text_of("a.pdf", &widths("[65 67 300 68 [300]]")), "AB CD");
        for odd in ["[65]", "[68 65 600]", "[0 9999999 600]", "[65 66]", "[(a) (b) 3]"] {
            let _ = file("a.pdf", &widths(odd));
        }
    }

    #[test]
    fn scanned_locked_long_and_damaged_files() {
        assert_eq!(file("a.pdf", &pdf(&[vec![]], "")), Err(ExtractError::NoTextInPdf));
        let page = vec![(72.0, 700.0, 12.0, "Work")];
        let few = ExtractLimits { pages: 2, ..limits() };
        let error = extract("a.pdf", None, &pdf(&vec![page.clone(); 3], ""), &few).unwrap_err();
        assert_eq!(error, ExtractError::TooManyPages { pages: 3, limit: 2 });
        assert_eq!(
            file("a.pdf", &pdf(std::slice::from_ref(&page), "/ID [<00><00>] /Encrypt 6 0 R")),
            Err(ExtractError::Password { named: Kind::Pdf })
        );
        let good = pdf(&[page], "");
        for bad in [&good[..good.len() / 3], b"%PDF-1.4", b"%PDF-1.4\ntrailer << /Root 1 0 R >>"] {
            assert_eq!(file("a.pdf", bad), Err(ExtractError::Damaged { named: Kind::Pdf }));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), ending in "(txt|md|html|docx|pdf|)", head in 0..4usize) {
        let head: &[u8] = [&b""[..], b"%PDF-1.4\n", b"PK\x03\x04", b"\xff\xfe"][head];
        let bytes = [head, &bytes].concat();
        let _ = file(&format!("a.{ending}"), &bytes);
    }

    #[test]
    fn no_changed_docx_panics(changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = docx("<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:rPr><w:vanish/></w:rPr><w:t>Work &amp; more</w:t></w:r></w:p>");
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = file("a.docx", &bytes);
    }

    #[test]
    fn no_changed_document_panics(xml in "(<w:p>|</w:p>|<w:r>|</w:r>|<w:t>|</w:t>|<w:rPr>|<w:vanish/>|<w:del>|</w:del>|&amp;|&#x0;|&#0;|[a-z<>&;/]|\\PC){0,40}") {
        let _ = file("a.docx", &docx(&xml));
    }

    #[test]
    fn no_page_panics(page in "(<p>|</p>|<table>|<td>|<ul>|<li>|<div style='display:none'>|</div>|<svg>|<pre>|<sup>|<br>|&amp;|[a-z<>&;/ ]|\\PC){0,40}") {
        let _ = file("a.html", page.as_bytes());
    }
}
