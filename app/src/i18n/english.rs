//! English, and with it the list of all texts.

/// Makes the enum of keys and the English texts from two lists.
macro_rules! texts {
    (both { $($key:ident => $text:literal,)* } server { $($of_server:ident => $its_text:literal,)* }) => {
        /// A text of the pages. The browser has those that it writes itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Key {
            $(#[doc = $text] $key,)*
            $(#[cfg(feature = "ssr")] #[doc = $its_text] $of_server,)*
        }

        /// The English text.
        pub const fn text(key: Key) -> &'static str {
            match key {
                $(Key::$key => $text,)*
                $(#[cfg(feature = "ssr")] Key::$of_server => $its_text,)*
            }
        }
    };
}

texts! {
    both {
        // Frame
        SkipToContent => "Skip to content",
        MainNavigation => "Main",
        SignIn => "Sign in",
        AllDomains => "All domains",
        Retry => "Try again",
        PrivacyFooter => "No cookies for visitors, no personal data, no third parties.",

        // Forms
        SignInTitle => "Sign in",

        // Bar
        NowOnline => "{n} now",
        NowOnlineLong => "{n} current visitors: anyone with an event in the last 5 minutes",
        LiveAway => "Live figures are away; trying again",

        // Figures
        Figures => "Figures",
        Visitors => "Visitors",
        Visits => "Visits",
        Pageviews => "Pageviews",
        ViewsPerVisit => "Views per visit",
        BounceRate => "Bounce rate",
        VisitDuration => "Visit duration",
        Share => "Share",
        Events => "Events",
        ConversionRate => "Conversion rate",
        Revenue => "Revenue",
        TimeOnPage => "Time on page",
        ScrollDepth => "Scroll depth",
        ExitRate => "Exit rate",
        ShowInChart => "Show {figure} in the chart",

        // Chart
        ChartTable => "Show as a table",
        WeekOf => "Week of {day}",

        // Filters
        PanelFailed => "This could not be loaded.",

        // Live
        RightNow => "Right now",
        LiveBars => "Pageviews per minute, last 30 minutes",
        LiveBarsSummary => "Last 30 minutes: pageviews {n}, visitors {visitors}",
        NewestEvents => "Newest events",
        NothingYet => "Nothing in the last 30 minutes.",
        MinutesAgo => "{n} min ago",
        SecondsAgo => "{n} s ago",
        HoursAgo => "{n} h ago",
        DirectSource => "Direct / None",
        Minus30 => "30 min ago",
        NowLabel => "now",

        // Notices
        Degraded => "The analytics store is away. Pageviews come from hourly and live figures until it is back; nothing is lost.",

        // Failures of whole pages
        NotFoundTitle => "Nothing here",
        NotFoundText => "There is no such page, or it is not yours.",
        NotFoundLink => "Go to your domains",
        FailedTitle => "This page could not be loaded",
    }

    server {
        // Frame
        AppName => "Footfall",
        SignOut => "Sign out",
        Account => "Account",
        AddDomain => "Add a domain",
        SwitchDomain => "Switch domain",
        ThemeSystem => "Theme: as the system",
        ThemeLight => "Theme: light",
        ThemeDark => "Theme: dark",

        // Landing
        LandingPromise => "Know how your site is doing the second it happens, without following anyone.",
        LandingSub => "Footfall is web analytics in one program that runs on your own machine. It counts people, not profiles.",
        LandingCommandLabel => "Start it",
        LandingCommand => "make run",
        LandingCommandHint => "In a checkout. It sets up all it needs and prints a link to begin with.",
        LandingPointLossTitle => "Nothing accepted is lost",
        LandingPointLossText => "An event is on disk before it is acknowledged, and counted once. A test kills the program again and again under load and then compares every record.",
        LandingPointPrivacyTitle => "Nobody is followed",
        LandingPointPrivacyText => "No cookie, no fingerprint, no address on disk. A visitor is a hash under a key that is destroyed after two days.",
        LandingPointLightTitle => "Light for your pages",
        LandingPointLightText => "The script is under 1.5 KB and makes no request but its own. A visit is on the dashboard within a second.",
        NeedsSetupTitle => "No owner yet",
        NeedsSetupText => "Open the setup link that the program printed when it started. It makes you the owner.",

        // Forms
        Email => "E-mail",
        Password => "Password",
        PasswordHint => "At least 10 characters.",
        SignInButton => "Sign in",
        SignInForgot => "Forgot it? Run `footfall user reset-password EMAIL` on the machine.",
        ErrorCredentials => "E-mail or password is not right. Try again.",
        ErrorTooMany => "Too many attempts. Wait a minute, then try again.",
        ErrorStale => "This form was open for too long. Send it again.",
        ErrorBadEmail => "That is not an e-mail address. Write it as name@example.org.",
        ErrorWeakPassword => "This password is too short or too common. Use at least 10 characters.",
        ErrorBadToken => "This setup link is used up or not right. Open the link that the program printed last.",
        ErrorAlreadySetUp => "There is an owner already. Sign in instead.",
        ErrorUnavailable => "That did not work just now. Try again in a moment.",

        // Setup
        SetupTitle => "Set up Footfall",
        SetupStep => "Step {n} of 3",
        SetupOwnerTitle => "Create the owner",
        SetupOwnerText => "The owner manages domains and people. The account lives on this machine only.",
        SetupOwnerButton => "Create owner",
        SetupNoToken => "Open the setup link that the program printed when it started; it carries a one-time key.",
        SetupDomainTitle => "Add your domain",
        SetupDomainText => "The host name of the pages you measure, without https://.",
        SetupSnippetTitle => "Put the script on your pages",
        SetupSnippetText => "Paste this line before </head> on each page of {domain}.",
        Domain => "Domain",
        TimeZone => "Time zone",
        TimeZoneHint => "Days begin and end by this clock.",
        Copy => "Copy",
        Copied => "Copied",
        SnippetLabel => "The line to paste",
        WaitingTitle => "Waiting for the first event",
        WaitingText => "Open a page that carries the line. This turns by itself.",
        WaitingReload => "Reload this page to look again.",
        WorksTitle => "It works",
        WorksText => "The first event has arrived.",
        GoToDashboard => "Open the dashboard",
        LoadDemo => "Load demo data",
        LoadDemoHint => "Thirty days of made-up visits, to look around. Removed in one click.",
        DemoShown => "This domain shows demo data.",
        RemoveDemo => "Remove demo data",
        Working => "Working …",

        // Domains
        DomainsTitle => "Domains",
        NoDomains => "No domain yet. Add the first one.",
        Visitors24h => "visitors in 24 h",
        NoEventsYet => "no events yet",

        // Bar
        Period => "Period",
        Period30m => "Last 30 minutes",
        Period24h => "Last 24 hours",
        PeriodDay => "Today",
        Period7d => "Last 7 days",
        Period30d => "Last 30 days",
        PeriodMonth => "This month",
        Period6mo => "Last 6 months",
        Period12mo => "Last 12 months",
        PeriodYear => "This year",
        PeriodAll => "All time",
        PeriodCustom => "Custom range",
        From => "From",
        To => "To",
        Apply => "Apply",
        Compare => "Compare",
        ComparePrevious => "Previous period",
        CompareYear => "Year before",
        CompareOff => "No comparison",
        CompareShortPrevious => "vs previous",
        CompareShortYear => "vs year before",
        CompareShortOff => "Compare",

        // Figures
        ChangeUp => "up {n}",
        ChangeDown => "down {n}",
        ChangeSame => "no change",
        NoEarlierData => "no earlier data",
        IncompleteComparison => "The earlier period begins before the first event.",
        Approximate => "Estimated: above five million events visitors are not counted one by one.",
        CrossesDays => "A person who comes on several days counts once per day.",

        // Chart
        ChartSummary => "{figure}: {total} in all. Most: {most} ({when}).",
        ChartSummaryRate => "{figure}. Most: {most} ({when}).",
        ChartSummaryEmpty => "{figure}: none in this period.",
        ChartThen => "Compared",
        ChartTime => "Time",
        ChartPartial => "so far",
        IntervalLabel => "Width of a bucket",
        IntervalMinute => "Minutes",
        IntervalHour => "Hours",
        IntervalDay => "Days",
        IntervalWeek => "Weeks",
        IntervalMonth => "Months",

        // Panels
        PanelPages => "Pages",
        PanelSources => "Sources",
        PanelPlaces => "Places",
        PanelDevices => "Devices",
        PanelGoals => "Goals and events",
        TabPages => "Top",
        EntryPages => "Entry pages",
        ExitPages => "Exit pages",
        TabEntry => "Entry",
        TabExit => "Exit",
        TabSources => "Sources",
        TabChannels => "Channels",
        TabReferrers => "Referrers",
        TabCampaigns => "Campaigns",
        TabCountries => "Countries",
        TabBrowsers => "Browsers",
        TabSystems => "Systems",
        TabDevices => "Devices",
        TabHosts => "Hosts",
        TabUtmSources => "UTM sources",
        TabMediums => "UTM mediums",
        TabContents => "UTM contents",
        TabTerms => "UTM terms",
        TabRegions => "Regions",
        TabCities => "Cities",
        TabLanguages => "Languages",
        TabScreens => "Screens",
        TabBrowserVersions => "Browser versions",
        TabSystemVersions => "System versions",
        TabGoals => "Goals",
        TabEvents => "Events",
        TabProperties => "Properties",
        TabsMore => "More",

        // Filters
        Filter => "Filter",
        Filters => "Filters",
        FilterAdd => "Add a filter",
        FiltersClear => "Clear all",
        FilterField => "What",
        FilterHow => "How",
        FilterValue => "Value",
        FilterIs => "is",
        FilterIsNot => "is not",
        FilterContains => "contains",
        FilterContainsNot => "does not contain",
        FilterMatches => "matches",
        FilterMatchesNot => "does not match",
        FilterOr => "or",
        FilterTurn => "Change to “{op}”",
        FilterRemove => "Remove the filter “{filter}”",
        FilterBy => "Show only {value}",
        FilterNotBy => "Leave out {value}",
        FieldEntryPage => "Entry page",
        FieldExitPage => "Exit page",
        FieldHostname => "Host",
        FieldMedium => "UTM medium",
        FieldUtmSource => "UTM source",
        FieldContent => "UTM content",
        FieldTerm => "UTM term",
        FieldRegion => "Region",
        FieldBrowserVersion => "Browser version",
        FieldSystemVersion => "System version",
        FieldScreen => "Screen size",
        FieldGoal => "Goal",
        FieldEvent => "Event",
        FieldCity => "City",
        FieldLanguage => "Language",
        FieldProperty => "Property",
        ColumnPage => "Page",
        ColumnSource => "Source",
        ColumnChannel => "Channel",
        ColumnReferrer => "Referrer",
        ColumnCampaign => "Campaign",
        ColumnCountry => "Country",
        ColumnBrowser => "Browser",
        ColumnSystem => "System",
        ColumnDevice => "Device",
        ShowAll => "Show all {n}",
        Details => "Details",
        DetailOf => "{what} of {domain}",
        BackToDashboard => "Back to the dashboard",
        Search => "Search",
        SearchFor => "Search {what}",
        SearchNothing => "Nothing here holds “{text}”.",
        SearchClear => "Clear the search",
        SortBy => "Sort by {figure}",
        Download => "Download CSV",
        Change => "Change",
        PagerPrevious => "Previous",
        PagerNext => "Next",
        PagerFirst => "First page",
        PagerBeyond => "There are no rows on this page.",
        PagerLabel => "Pages of rows",
        PagerAt => "{from}–{to} of {n}",
        OpenPage => "Open {path}",
        NoVisitsInPeriod => "No visits in this period.",
        NoCampaigns => "No campaigns in this period. Add utm_campaign to the links you share.",
        NoGoals => "No goal was completed in this period. Goals say what you want people to do: an event, a page, or how far they scroll.",
        NoProperties => "No event with a property in this period. Send them along: footfall('signup', { props: { plan: 'pro' } }).",
        NoPlaces => "Regions and cities need a city database. Set FOOTFALL_CITY_DATABASE to a file in MaxMind's format, for example GeoLite2 City.",
        LookAtAll => "Look at all time",
        PropertyValues => "Values of {name}",

        // Notices
        EmptyTitle => "No visits yet",
        EmptyText => "Paste this line before </head> on each page of {domain}.",
    }
}
