//! The enricher over the real lists and the real country file.

use std::{path::Path, sync::OnceLock};

use footfall_enrich::{EnrichData, Enricher};
use proptest::prelude::*;
use rstest::rstest;

fn enricher() -> &'static Enricher {
    static ENRICHER: OnceLock<Enricher> = OnceLock::new();
    ENRICHER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/data");
        let data = EnrichData::from_dir(&folder).unwrap_or_else(|error| panic!("{error}"));
        Enricher::load(data).unwrap_or_else(|error| panic!("{error}"))
    })
}

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";

#[rstest]
#[case(CHROME, "Chrome", "126", "Windows", "10", "Desktop")]
#[case(IPHONE, "Safari", "17", "iOS", "17.5", "Mobile")]
#[case(
    "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
    "Safari",
    "16",
    "iOS",
    "16.6",
    "Tablet"
)]
#[case(
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
    "Chrome",
    "126",
    "iOS",
    "17.5",
    "Mobile"
)]
#[case(
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Safari/605.1.15",
    "Safari",
    "17",
    "macOS",
    "10.15",
    "Desktop"
)]
#[case(
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
    "Chrome",
    "126",
    "Android",
    "14",
    "Mobile"
)]
#[case(
    "Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Chrome",
    "126",
    "Android",
    "13",
    "Tablet"
)]
#[case("Mozilla/5.0 (Android 13; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox", "127", "Android", "13", "Mobile")]
#[case("Mozilla/5.0 (Android 13; Tablet; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox", "127", "Android", "13", "Tablet")]
#[case("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox", "127", "GNU/Linux", "", "Desktop")]
#[case(
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Chrome",
    "126",
    "GNU/Linux",
    "",
    "Desktop"
)]
#[case(
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
    "Edge",
    "126",
    "Windows",
    "10",
    "Desktop"
)]
#[case(
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 OPR/111.0.0.0",
    "Opera",
    "111",
    "Windows",
    "10",
    "Desktop"
)]
#[case(
    "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    "Samsung Internet",
    "25",
    "Android",
    "14",
    "Mobile"
)]
#[case(
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Chrome",
    "126",
    "Chrome OS",
    "14541.0",
    "Desktop"
)]
#[case(
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.1; Tablet PC 2.0; Trident/6.0)",
    "Internet Explorer",
    "10",
    "Windows",
    "7",
    "Desktop"
)]
fn people(
    #[case] user_agent: &str,
    #[case] browser: &str,
    #[case] browser_version: &str,
    #[case] os: &str,
    #[case] os_version: &str,
    #[case] device: &str,
) {
    let agent = enricher().agent(user_agent.as_bytes());
    assert_eq!(
        (agent.browser.as_str(), agent.browser_version.as_str(), agent.os.as_str(), agent.os_version.as_str(), agent.device, agent.bot),
        (browser, browser_version, os, os_version, device, "")
    );
}

#[rstest]
#[case(
    "Mozilla/5.0 (Linux; Android 14; SM-S928B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36 Instagram 336.0.0.35.90 Android"
)]
#[case(
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/467.0.0.41.105;FBBV/610395386;FBDV/iPhone15,2;FBMD/iPhone;FBSN/iOS;FBSV/17.5.1;FBSS/3;FBID/phone;FBLC/en_US;FBOP/5]"
)]
#[case(
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/320.0.638944234 Mobile/15E148 Safari/604.1"
)]
#[case("Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36")]
#[case("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0")]
#[case(
    "Mozilla/5.0 (Linux; U; Android 4.4.2; en-us; LG-D850 Build/KVT49L) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Mobile Safari/537.36"
)]
#[case("")]
fn persons_are_no_bots(#[case] user_agent: &str) {
    assert_eq!(enricher().agent(user_agent.as_bytes()).bot, "");
}

#[rstest]
#[case("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "crawler")]
#[case("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", "ai")]
#[case("Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)", "ai")]
#[case("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36", "headless")]
#[case("curl/8.5.0", "library")]
#[case("python-requests/2.32.3", "library")]
#[case("Go-http-client/2.0", "library")]
#[case("Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "monitor")]
#[case("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "preview")]
#[case("Mozilla/5.0 (compatible; SomethingNewBot/1.0)", "crawler")]
fn programs(#[case] user_agent: &str, #[case] class: &str) {
    assert_eq!(enricher().agent(user_agent.as_bytes()).bot, class);
}

#[test]
fn a_malformed_user_agent_is_harmless() {
    let enricher = enricher();
    for bytes in
        [vec![0xff; 10 << 10], vec![0; 64], b"\x80Mozilla/5.0 \xc3(".to_vec(), vec![b'('; 10 << 10], "é".repeat(5_000).into_bytes()]
    {
        let _ = enricher.agent(&bytes);
    }
    assert_eq!(enricher.agent(CHROME.as_bytes()).browser, "Chrome");
}

#[rstest]
#[case("8.8.8.8", "US")]
#[case("::ffff:8.8.8.8", "US")]
#[case("2001:4860:4860::8888", "US")]
#[case("193.99.144.80", "DE")]
#[case("127.0.0.1", "")]
#[case("10.0.0.1", "")]
#[case("::1", "")]
fn countries(#[case] address: &str, #[case] country: &str) {
    let place = enricher().place(address.parse().unwrap());
    assert_eq!((place.country.as_str(), place.region.as_str(), place.city), (country, "", 0));
}

#[test]
fn a_broken_file_is_named() {
    let broken = |name: &'static str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/data");
        let mut data = EnrichData::from_dir(&folder).unwrap_or_else(|error| panic!("{error}"));
        match name {
            "regexes.yaml" => data.regexes_yaml = b"user_agent_parsers: 1".as_slice().into(),
            "bots.json" => data.bots_json = b"{}".as_slice().into(),
            _ => data.country_mmdb = b"nothing".as_slice().into(),
        }
        Enricher::load(data).unwrap_err().to_string()
    };
    for name in ["regexes.yaml", "bots.json", "country.mmdb"] {
        let message = broken(name);
        assert!(message.contains(name) && message.contains("make setup"), "{message}");
    }
    assert!(EnrichData::from_dir(Path::new("/nonexistent")).unwrap_err().to_string().contains("regexes.yaml"));
}

proptest! {
    #[test]
    fn nothing_panics(user_agent in proptest::collection::vec(any::<u8>(), 0..300), v4 in any::<u32>(), v6 in any::<u128>()) {
        let enricher = enricher();
        let _ = enricher.agent(&user_agent);
        for address in [std::net::IpAddr::V4(v4.into()), std::net::IpAddr::V6(v6.into())] {
            let country = enricher.place(address).country;
            prop_assert!(country.is_empty() || country.len() == 2);
        }
    }
}
