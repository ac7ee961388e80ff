import Foundation

/// The frame of a chart drawn as SVG: axes with their ticks and names, and what is drawn inside.
struct Chart {
    let width: Double
    let height: Double
    var left = 56.0
    var right = 16.0
    var top = 12.0
    var bottom = 40.0

    /// What a chart shows, for those who do not see it.
    let title: String
    let description: String
    private(set) var content: [Markup] = []

    init(_ title: String, _ description: String, width: Double, height: Double) {
        (self.title, self.description) = (title, description)
        (self.width, self.height) = (width, height)
    }

    /// The frame's inside, from left to right and from below to above.
    func horizontal(_ domain: ClosedRange<Double>, isLogarithmic: Bool = false) -> Scale {
        Scale(domain, from: left, to: width - right, isLogarithmic: isLogarithmic)
    }

    func vertical(_ domain: ClosedRange<Double>) -> Scale {
        Scale(domain, from: height - bottom, to: top)
    }

    mutating func add(_ markup: Markup) { content.append(markup) }

    mutating func line(
        _ x1: Double,
        _ y1: Double,
        _ x2: Double,
        _ y2: Double,
        _ style: String
    ) {
        add(
            .tag(
                "line",
                [
                    "x1": ChartNumber.pixel(x1), "y1": ChartNumber.pixel(y1),
                    "x2": ChartNumber.pixel(x2), "y2": ChartNumber.pixel(y2), "class": style,
                ]
            )
        )
    }

    mutating func text(
        _ text: String,
        _ x: Double,
        _ y: Double,
        anchor: String = "start",
        style: String? = nil,
        isVertical: Bool = false
    ) {
        let (x, y) = (ChartNumber.pixel(x), ChartNumber.pixel(y))
        add(
            .tag(
                "text",
                [
                    "x": x, "y": y, "text-anchor": anchor, "class": style,
                    "transform": isVertical ? "rotate(-90 \(x) \(y))" : nil,
                ],
                text
            )
        )
    }

    /// - Parameter style: the colour's class and more.
    mutating func circle(
        _ x: Double,
        _ y: Double,
        _ radius: Double,
        _ style: String,
        _ note: String
    ) {
        add(
            .tag(
                "circle",
                [
                    "cx": ChartNumber.pixel(x), "cy": ChartNumber.pixel(y),
                    "r": ChartNumber.pixel(radius), "class": style,
                ],
                [.tag("title", [:], note)]
            )
        )
    }

    mutating func path(_ points: [(x: Double, y: Double)], _ style: String) {
        guard points.count > 1 else { return }
        let steps = points.map { "\(ChartNumber.pixel($0.x)) \(ChartNumber.pixel($0.y))" }
        add(.tag("path", ["d": "M" + steps.joined(separator: "L"), "class": style]))
    }

    /// Grid lines and numbers along both axes, and the axes' names.
    mutating func axes(
        _ x: Scale,
        _ xName: String,
        _ y: Scale,
        _ yName: String,
        xNumber: (Double) -> String = { ChartNumber.short($0) },
        yNumber: (Double) -> String = { ChartNumber.short($0) }
    ) {
        for tick in y.ticks {
            line(left, y(tick), width - right, y(tick), "grid")
            text(yNumber(tick), left - 6, y(tick) + 4, anchor: "end", style: "tick")
        }
        var end = -Double.infinity
        for tick in x.ticks {
            let label = xNumber(tick)
            let half = Double(label.count) * 3.6
            line(x(tick), height - bottom, x(tick), height - bottom + 4, "axis")
            // Of labels that would run into each other the first stays.
            guard x(tick) - half > end + 8 else { continue }
            end = x(tick) + half
            text(label, x(tick), height - bottom + 17, anchor: "middle", style: "tick")
        }
        line(left, height - bottom, width - right, height - bottom, "axis")
        text(xName, (left + width - right) / 2, height - 6, anchor: "middle", style: "name")
        text(
            yName,
            13,
            (top + height - bottom) / 2,
            anchor: "middle",
            style: "name",
            isVertical: true
        )
    }

    /// - Parameter identifier: one that no other chart of the page has.
    func svg(_ identifier: String) -> Markup {
        .tag(
            "svg",
            [
                "viewBox": "0 0 \(ChartNumber.pixel(width)) \(ChartNumber.pixel(height))",
                "role": "img", "aria-labelledby": "\(identifier)-t \(identifier)-d",
                // In a narrow window it is moved sideways before its text gets too small to read.
                "style": "min-width:\(ChartNumber.pixel(min(width, 500)))px",
            ],
            [
                .tag("title", ["id": "\(identifier)-t"], title),
                .tag("desc", ["id": "\(identifier)-d"], description),
            ] + content
        )
    }
}
