public import Evaluation

extension FinishedRun {
    /// The runs' comparisons with those of one data set and one teacher put together, each student called by
    /// its run.
    public static func combined(_ runs: [FinishedRun]) -> [ComparisonReport] {
        var groups: [ComparisonReport] = []
        for run in runs {
            var own = run.comparison
            // A model that was trained without a teacher is compared as students are.
            if own.students.isEmpty, let alone = own.teacher {
                (own.teacher, own.students) = (nil, [alone])
            }
            for index in own.students.indices where own.students.count == 1 {
                own.students[index].name = run.name
            }
            if let place = groups.firstIndex(where: { $0.canTake(own) }) {
                groups[place].take(own)
            } else {
                groups.append(own)
            }
        }
        return groups
    }
}

extension ComparisonReport {
    /// Whether the other is of the same examples and the same teacher; one without a teacher is of any.
    fileprivate func canTake(_ other: ComparisonReport) -> Bool {
        let isSameTeacher =
            teacher == nil || other.teacher == nil
            || (teacher?.name == other.teacher?.name && teacher?.accuracy == other.teacher?.accuracy
                && teacher?.pearson == other.teacher?.pearson
                && teacher?.parameterCount == other.teacher?.parameterCount)
        return isSameTeacher && data == other.data && task == other.task && labels == other.labels
            && exampleCount == other.exampleCount && temperature == other.temperature
            && hasTargets == other.hasTargets
    }

    fileprivate mutating func take(_ other: ComparisonReport) {
        let (hadTeacher, count) = (teacher != nil, students.count)
        teacher = teacher ?? other.teacher
        students += other.students
        guard var slices, let others = other.slices, slices.map(\.name) == others.map(\.name) else {
            slices = nil
            return
        }
        for (group, (own, theirs)) in zip(slices, others).enumerated() {
            guard own.slices.map(\.name) == theirs.slices.map(\.name),
                own.slices.map(\.count) == theirs.slices.map(\.count)
            else {
                self.slices = nil
                return
            }
            for index in own.slices.indices {
                var measures = own.slices[index].models
                var added = theirs.slices[index].models
                if other.teacher != nil {
                    let teachers = added.removeFirst()
                    if !hadTeacher { measures.insert(teachers, at: 0) }
                }
                precondition(measures.count == count + (teacher == nil ? 0 : 1))
                slices[group].slices[index].models = measures + added
            }
        }
        self.slices = slices
    }
}
